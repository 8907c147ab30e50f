"""Working on RQ's lists: jobs are popped and leased in one step, and a bell rings when something was submitted."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import redis
from pydantic_core import from_json

from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.codec import rq_time
from rider_core.jobs.ledger.desk import Claim, ClaimDesk, Ended
from rider_core.jobs.ledger.functions import Function, together
from rider_core.jobs.ledger.line import Wire
from rider_core.jobs.timings import JobTimings
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: What `lua/take.lua` answers where something was handed over in the meantime.
HANDED_OVER = 1
#: It was sent before that answer, on another connection.
ON_ITS_WAY_S = 1.0


class RQDesk(ClaimDesk):
    """Claims out of RQ's lists. A worker that found nothing may be handed a job (`lua/hands.lua`)."""

    prefetches = True

    def __init__(self, connection: redis.Redis, worker: str, queues: Sequence[str], timings: JobTimings) -> None:
        super().__init__(connection, worker, queues, timings, broker=False)
        self._queues = list(queues)
        self._hand = keys.HAND.format(worker=worker)
        self._channels = [self._hand, *(keys.DOORBELL.format(queue=queue) for queue in queues)]
        self._ear: Wire | None = None
        self._next_due: float | None = None
        #: The next attempt's name, for as long as the hand is held out with it.
        self._held_out: str | None = None
        self._limits: Mapping[str, int] = {}
        self._handed: list[Claim] = []

    def take(self, limits: Mapping[str, int] | None = None) -> list[Claim]:
        if self._handed:
            return self._give_out()
        limits = limits or {}
        arguments = self._take_arguments(limits)
        return self._claims(self._functions.take(arguments), arguments, limits)

    def take_more(self, lane: str, task: str, number: int) -> list[Claim]:
        limits = {task: number}
        # What it works on is shown already.
        shown = [*self._attempt_arguments()[:-1], "busy"]
        arguments = [*shown, 0, _in_json(limits), task, "", self.timings.lease_s, "", lane]
        answer = self._functions.take(arguments)
        return self._claims(answer, arguments, limits) if isinstance(answer, list) else []

    def commit(self, ended: Sequence[Ended]) -> list[bool]:
        return [bool(kept) for kept in self._functions.finish(self._finish_arguments(ended))]

    def exchange(self, ended: Sequence[Ended], limits: Mapping[str, int] | None) -> tuple[list[bool], list[Claim]]:
        if limits is None:
            return self.commit(ended), []
        arguments = self._take_arguments(limits)
        finished, taken = together(
            [(self._functions.finish, self._finish_arguments(ended)), (self._functions.take, arguments)]
        )
        return [bool(kept) for kept in finished], self._claims(taken, arguments, limits)

    def prefetch(
        self,
        ended: Sequence[Ended],
        begun: Sequence[Claim],
        limits: Mapping[str, int] | None,
        on_sent: Callable[[], None],
    ) -> tuple[list[bool], list[Claim]]:
        calls: list[tuple[Function, Sequence[Any]]] = []
        if ended:
            calls.append((self._functions.finish, self._finish_arguments(ended)))
        if begun:
            calls.append((self._functions.begin, self._begin_arguments(begun, short=limits is not None)))
        taking = [] if limits is None else [*self._attempt_arguments(), *self._wishes(limits, "full")]
        if taking:
            calls.append((self._functions.take, taking))
        answers = together(calls, on_sent=on_sent)
        claims = _claims_of(answers[-1], taking) if taking and isinstance(answers[-1], list) else []
        self._turn += bool(claims)
        kept = [bool(each) for each in answers[0]] if ended else []
        return kept, [claim._replace(ahead=True) for claim in claims]

    def wait_for_more(self, timeout_s: float) -> bool:
        """Whether something was submitted, handed over or has become due since the last `take`.

        The worker listens as long as it lives: what is said between `take` and here is heard here. Only what was said
        before it listened for the first time, or while the connection was lost, may not have been heard, so then it
        returns at once.
        """
        if self._ear is None or self._ear.closed:
            self._ear = self._line.ear(self._channels)
            return True
        if self._next_due is not None:
            timeout_s = min(timeout_s, self._next_due - time.time())
        return self._listen(timeout_s)

    def step_back(self) -> list[Claim]:
        if self._held_out is not None and not self._line.call("DEL", self._hand):
            self._catch()
        self._held_out = None
        return self._give_out()

    def close(self) -> None:
        with suppress(redis.RedisError):
            for queue in self._queues:
                self._line.call("SREM", keys.HANDS.format(queue=queue), self._worker)
        if self._ear is not None:
            self._ear.close()
        super().close()

    def _take_arguments(self, limits: Mapping[str, int]) -> list[Any]:
        hand = self._what_to_do_with_hand()
        if hand == "out":
            self._limits = limits
        return [*self._attempt_arguments(), *self._wishes(limits, hand)]

    def _wishes(self, limits: Mapping[str, int], hand: str) -> list[Any]:
        """What `take` is told besides `_attempt_arguments`."""
        lease_s, queues = self.timings.lease_s, " ".join(self._queues)
        return [int(self._fair_turn()), _in_json(limits), "", hand, lease_s, queues, *self.lanes]

    def _begin_arguments(self, begun: Sequence[Claim], *, short: bool) -> list[Any]:
        now = begun[0].started_ts
        arguments: list[Any] = [self._worker, now, rq_time(now), self._shown, int(short)]
        self._shown = "busy" if short else "job"
        return arguments + [part for claim in begun for part in (claim.id, claim.execution)]

    def _what_to_do_with_hand(self) -> str:
        """As `lua/take.lua` has it. Nobody holds one out who would not hear what is handed over."""
        if self._held_out is not None:
            return "held"
        return "out" if self._ear is not None and not self._ear.closed else ""

    def _claims(self, answer: Any, arguments: list[Any], limits: Mapping[str, int]) -> list[Claim]:
        """The claims in the function's answer to these arguments."""
        if answer == HANDED_OVER:
            self._catch()
            return self._give_out()
        if not isinstance(answer, list):
            self._next_due = float(answer) if answer else None
            if self._what_to_do_with_hand() == "out":
                self._held_out = arguments[1]
            return []
        self._held_out = None
        self._turn += 1
        claims = _claims_of(answer, arguments)
        self._now_works(claims[0].task, limits)
        return claims

    def _listen(self, timeout_s: float) -> bool:
        assert self._ear is not None
        heard = self._ear.hear(timeout_s)
        for message in heard:
            if message.channel == self._hand:
                self._receive(message.data)
        return bool(heard)

    def _receive(self, message: bytes) -> None:
        """A job was handed over: it is leased to us already."""
        line, _, data = message.partition(b"\n")
        try:
            job_id, lane, task, execution, about, now = from_json(line)
        except (ValueError, TypeError):
            log.warning("what came as a job that is handed over is none: %.80r", line)
            return
        if execution != self._held_out:
            log.warning("job %s was handed over when nobody expected it; its lease runs out", job_id)
            return
        self._held_out = None
        self._turn += 1
        self._handed = [Claim(job_id, lane, task, data, 1, execution, about, float(now))]
        self._now_works(task, self._limits)

    def _catch(self) -> None:
        """Something was handed over, and is on its way; unless the connection was lost."""
        watch = Stopwatch.start()
        while not self._handed and self._ear is not None and not self._ear.closed and watch.elapsed_s < ON_ITS_WAY_S:
            self._listen(ON_ITS_WAY_S - watch.elapsed_s)
        if not self._handed:
            log.warning("a job that was handed over got lost with the connection; its lease runs out")
        self._held_out = None

    def _give_out(self) -> list[Claim]:
        handed, self._handed = self._handed, []
        return handed


def _claims_of(answer: list[Any], arguments: Sequence[Any]) -> list[Claim]:
    """The claims that `take` has granted, called with these arguments."""
    _, execution, now, *_ = arguments
    return [
        Claim(
            job_id.decode("utf-8", "replace"),
            lane.decode("utf-8", "replace"),
            task.decode("utf-8", "replace"),
            data,
            attempt,
            execution,
            about.decode("utf-8", "replace"),
            now,
        )
        for job_id, lane, task, data, attempt, about in answer
    ]


def _in_json(limits: Mapping[str, int]) -> str:
    return _dumped(tuple(limits.items()))


@lru_cache(maxsize=64)
def _dumped(limits: tuple[tuple[str, int], ...]) -> str:
    """They hardly change from one time to the next."""
    return json.dumps(dict(limits))
