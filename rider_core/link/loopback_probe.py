"""Whether what we say reaches the robot's broker and comes back: each direction of the bus, proven.

A socket that is connected proves little: packets may be lost one way, and a broker may accept and pass nothing on. So
a small message of ours goes round twice a second. What was sent before it has arrived as well, because one publisher
keeps its order; until then it is not counted as sent.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter, deque
from typing import Any

from rider_core.metrics import LINK_DROPPED, LINK_SENT

TOPIC = "rider_pc.echo"
EVERY_S = 0.5
#: The bus counts as down after this time without an echo: four intervals.
LIMIT_S = 2.0
#: Messages of at most this many echoes wait for confirmation; `LIMIT_S` has fewer.
_ROUNDS = 16


class LoopbackProbe:
    """Belongs to the bus's thread."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex
        self._number = 0
        self._sent = float("-inf")
        self._waits_since: float | None = None
        self._since_last: Counter[str] = Counter()
        self._rounds: deque[tuple[int, Counter[str]]] = deque(maxlen=_ROUNDS)

    def note_sent(self, topic: str) -> None:
        """A message was handed to the socket."""
        self._since_last[topic] += 1

    def due(self) -> dict[str, Any] | None:
        """The body to send now; None: it is not time yet."""
        now = time.monotonic()
        if now - self._sent < EVERY_S:
            return None
        self._sent = now
        self._number += 1
        if self._waits_since is None:
            self._waits_since = now
        if len(self._rounds) == _ROUNDS:
            self._give_up(self._rounds.popleft()[1])
        self._rounds.append((self._number, self._since_last))
        self._since_last = Counter()
        return {"from": self._id, "number": self._number}

    def receive(self, body: dict[str, Any]) -> bool:
        """Something came back. False: it is another's."""
        number = body.get("number")
        if body.get("from") != self._id or not isinstance(number, int):
            return False
        self._waits_since = None if number >= self._number else self._sent
        while self._rounds and self._rounds[0][0] <= number:
            for topic, count in self._rounds.popleft()[1].items():
                LINK_SENT.labels(topic).inc(count)
        return True

    def is_lost(self) -> bool:
        """Nothing of ours comes back."""
        return self._waits_since is not None and time.monotonic() - self._waits_since > LIMIT_S

    def reset(self) -> None:
        """The connection is gone: what did not come back was not sent."""
        for _, messages in self._rounds:
            self._give_up(messages)
        self._give_up(self._since_last)
        self._rounds.clear()
        self._since_last = Counter()
        self._waits_since = None

    def _give_up(self, messages: Counter[str]) -> None:
        LINK_DROPPED.labels("message").inc(sum(messages.values()))
