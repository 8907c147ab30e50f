"""Limits the requests and bytes that the OpenAI routes handle at a time, so that the panel's pages keep capacity."""

from __future__ import annotations

import threading
import time

from rider_core.errors import QueueFull
from rider_core.web.serving.connections import WatchedConnection

#: Requests at a time. The panel has 256 connections; browsers and their sockets need the others.
MAX_REQUESTS = 64
#: Bytes of request bodies at a time: one of the largest, or many small ones. A recording that becomes a job is in
#: memory several times (as received, in base64, in JSON, as sent): one of 42 MB takes 280 MB for a moment.
MAX_BYTES = 64 * 1024 * 1024
RETRY_AFTER_S = 1.0
#: A client that has neither sent nor received for this time is disconnected if its slot is needed, in seconds.
IDLE_S = 1.0


class AdmissionLimiter:
    """Hands out slots for requests. All methods may be called from several threads."""

    def __init__(self, requests: int = MAX_REQUESTS, size_bytes: int = MAX_BYTES) -> None:
        self._requests_left = requests
        self._bytes_left = size_bytes
        self._slots: dict[Slot, None] = {}
        self._lock = threading.Lock()

    def acquire(self, size_bytes: int, connection: WatchedConnection | None = None) -> Slot:
        """Take a slot for a request with a body of `size_bytes`. `Slot.release` gives it back.

        Args:
            connection: Disconnected if its slot is needed and its client is idle.

        Raises:
            QueueFull: no slot is free.
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
        """Disconnect all idle clients: one large body may need several of their slots."""
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
    """One request's share of the limits."""

    def __init__(self, limiter: AdmissionLimiter, size_bytes: int, connection: WatchedConnection | None) -> None:
        self.size_bytes = size_bytes
        self.connection = connection
        self._limiter = limiter

    def idle_s(self, now: float) -> float:
        """For how long the panel has waited for this client, in seconds."""
        since = self.connection.waiting_since if self.connection is not None else None
        return now - since if since is not None else 0.0

    def release(self) -> None:
        """Give the slot back. Calling it twice is allowed."""
        self._limiter.release(self)
