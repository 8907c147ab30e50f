"""Proves both directions of the bus: a small message of ours goes to the robot's broker and back, twice a second.

A connected socket proves little: packets may be lost one way, and a broker may accept messages without forwarding them.
Messages that were sent before a probe have arrived with it, because one publisher keeps its order; only then do they
count as sent.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter, deque
from typing import Any

from rider_core.metrics import LINK_DROPPED, LINK_SENT

TOPIC = "rider_pc.echo"
EVERY_S = 0.5
#: The bus counts as down after this time without a probe's return, in seconds: four intervals.
LIMIT_S = 2.0
#: Probes in transit at most. `LIMIT_S` has fewer.
_MAX_IN_TRANSIT = 16


class LoopbackProbe:
    """Belongs to the bus's thread."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex
        self._number = 0
        self._sent = float("-inf")
        self._waits_since: float | None = None
        self._since_last: Counter[str] = Counter()
        #: From a probe's sending to its return, the last one, in seconds; None: none has come back.
        self.round_trip_s: float | None = None
        self._in_transit: deque[tuple[int, Counter[str]]] = deque(maxlen=_MAX_IN_TRANSIT)

    def note_sent(self, topic: str) -> None:
        """Count a message that was handed to the socket."""
        self._since_last[topic] += 1

    def due(self) -> dict[str, Any] | None:
        """The body of the next probe; None: it is not due yet."""
        now = time.monotonic()
        if now - self._sent < EVERY_S:
            return None
        self._sent = now
        self._number += 1
        if self._waits_since is None:
            self._waits_since = now
        if len(self._in_transit) == _MAX_IN_TRANSIT:
            self._count_dropped(self._in_transit.popleft()[1])
        self._in_transit.append((self._number, self._since_last))
        self._since_last = Counter()
        return {"from": self._id, "number": self._number}

    def receive(self, body: dict[str, Any]) -> bool:
        """Handle a probe that came back. False: another link sent it."""
        number = body.get("number")
        if body.get("from") != self._id or not isinstance(number, int):
            return False
        if number == self._number:
            self.round_trip_s = time.monotonic() - self._sent
        self._waits_since = None if number >= self._number else self._sent
        while self._in_transit and self._in_transit[0][0] <= number:
            for topic, count in self._in_transit.popleft()[1].items():
                LINK_SENT.labels(topic).inc(count)
        return True

    def is_lost(self) -> bool:
        """Whether no probe has come back for `LIMIT_S` seconds."""
        return self._waits_since is not None and time.monotonic() - self._waits_since > LIMIT_S

    def reset(self) -> None:
        """The connection is gone: messages without confirmation count as dropped."""
        for _, messages in self._in_transit:
            self._count_dropped(messages)
        self._count_dropped(self._since_last)
        self._in_transit.clear()
        self._since_last = Counter()
        self._waits_since = None
        self.round_trip_s = None

    def _count_dropped(self, messages: Counter[str]) -> None:
        LINK_DROPPED.labels("message").inc(sum(messages.values()))
