"""How much the routes take in at a time, so that the panel's own pages keep theirs."""

from __future__ import annotations

import threading
import time

from rider_core.errors import QueueFull
from rider_core.web.serving.connections import WatchedConnection

#: Of the 256 connections that the panel has; browsers and their sockets need the others.
MAX_REQUESTS = 64
#: Of bodies: one of the largest at a time, or many small ones. On its way into a job a recording is in memory in
#: several forms (as it came, in base64, in JSON, as it is sent): one of 42 MB takes 280 MB for a moment.
MAX_BYTES = 64 * 1024 * 1024
RETRY_AFTER_S = 1.0
#: Who has sent or taken nothing for so long gives way where there is no room for another.
IDLE_S = 1.0


class AdmissionLimiter:
    """Places for requests. All methods may be called from several threads."""

    def __init__(self, requests: int = MAX_REQUESTS, size_bytes: int = MAX_BYTES) -> None:
        self._requests_left = requests
        self._bytes_left = size_bytes
        self._slots: dict[Slot, None] = {}
        self._lock = threading.Lock()

    def acquire(self, size_bytes: int, connection: WatchedConnection | None = None) -> Slot:
        """Take a place for a request with a body of that size; give it back by its `release`.

        Args:
            connection: Is ended where the place is needed and its client leaves us waiting.

        Raises:
            QueueFull: there is none now.
        """
        with self._lock:
            if self._requests_left < 1 or self._bytes_left < size_bytes:
                self._disconnect_idle()
            if self._requests_left < 1:
                raise QueueFull("too many requests are being answered", retry_after_s=RETRY_AFTER_S)
            if self._bytes_left < size_bytes:
                raise QueueFull("too much is being uploaded", retry_after_s=RETRY_AFTER_S)
            slot = Slot(self, size_bytes, connection)
            self._slots[slot] = None
            self._requests_left -= 1
            self._bytes_left -= size_bytes
        return slot

    def release(self, slot: Slot) -> None:
        with self._lock:
            self._free(slot)

    def _disconnect_idle(self) -> None:
        """End the connections whose clients leave us waiting, all of them: one large body may need several places."""
        now = time.monotonic()
        for slot in [it for it in self._slots if it.idle_s(now) >= IDLE_S]:
            assert slot.connection is not None
            slot.connection.abort()
            self._free(slot)

    def _free(self, slot: Slot) -> None:
        if slot in self._slots:
            del self._slots[slot]
            self._requests_left += 1
            self._bytes_left += slot.size_bytes


class Slot:
    """One request's share of the room."""

    def __init__(self, limiter: AdmissionLimiter, size_bytes: int, connection: WatchedConnection | None) -> None:
        self.size_bytes = size_bytes
        self.connection = connection
        self._limiter = limiter

    def idle_s(self, now: float) -> float:
        """For how long its client has left us waiting."""
        since = self.connection.waiting_since if self.connection is not None else None
        return now - since if since is not None else 0.0

    def release(self) -> None:
        """Give it back; once is enough, twice does no harm."""
        self._limiter.release(self)
