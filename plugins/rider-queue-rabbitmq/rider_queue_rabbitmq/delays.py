"""The ladder of delays: a message that must wait is put into the queue of the next step up.

RabbitMQ without plugins can only let a message expire, and only the first of a queue does: so all messages of one queue
must wait equally long. The steps are 50 ms apart up to half a second, and a tenth apart above it, so nothing is early,
and nothing is more than 50 ms or a tenth late.

That makes 172 queues at most for delays up to a month, each made when it is first needed; a hundred idle ones cost
RabbitMQ 3.10 about 8 MB and no time (measured). The alternative, one queue for each power of two and a way through
several of them, needs 26 queues, but writes a message to disk up to five times and is several small delays late.
"""

from __future__ import annotations

import math
from bisect import bisect_left

from rider_core.errors import InvalidInput

_FIRST_STEP_MS = 50
_LINEAR_UNTIL_MS = 500
_RATIO = 1.1
#: RabbitMQ's timers take 49 days at most.
LONGEST_MS = 31 * 24 * 3600 * 1000


def _ladder() -> tuple[int, ...]:
    steps = list(range(_FIRST_STEP_MS, _LINEAR_UNTIL_MS + 1, _FIRST_STEP_MS))
    while steps[-1] < LONGEST_MS:
        steps.append(min(math.floor(steps[-1] * _RATIO), LONGEST_MS))
    return tuple(steps)


#: Milliseconds, ascending. A message keeps the step's number in its queue's name: changing the ladder leaves old queues
#: behind, whose messages still arrive.
LADDER_MS = _ladder()


def step_for(delay_s: float) -> int | None:
    """Milliseconds of the step for `delay_s` seconds; None where there is nothing to wait for.

    Raises:
        InvalidInput: it is more than 31 days, or not a number.
    """
    if not delay_s <= LONGEST_MS / 1000:
        raise InvalidInput(
            f"a job cannot be delayed by {delay_s:g} s", remedy=f"give at most {LONGEST_MS // 1000} s, which is a month"
        )
    if delay_s <= 0:
        return None
    return LADDER_MS[bisect_left(LADDER_MS, delay_s * 1000)]
