"""How much the routes take in at a time, so that the panel's own pages keep theirs."""

from __future__ import annotations

import threading

from rider_core.errors import QueueFull

#: Of the 256 connections that the panel has; browsers and their sockets need the others.
MAX_REQUESTS = 64
#: Of bodies: one of the largest at a time, or many small ones. On its way into a job a recording is in memory in
#: several forms (as it came, in base64, in JSON, as it is sent): one of 42 MB takes 280 MB for a moment.
MAX_BYTES = 64 * 1024 * 1024
RETRY_AFTER_S = 1.0


class Room:
    """Places for requests. All methods may be called from several threads."""

    def __init__(self, requests: int = MAX_REQUESTS, size_bytes: int = MAX_BYTES) -> None:
        self._requests_left = requests
        self._bytes_left = size_bytes
        self._lock = threading.Lock()

    def enter(self, size_bytes: int) -> Place:
        """Take a place for a request with a body of that size; give it back by its `leave`.

        Raises:
            QueueFull: there is none now.
        """
        with self._lock:
            if self._requests_left < 1:
                raise QueueFull("too many requests are being answered", retry_after_s=RETRY_AFTER_S)
            if self._bytes_left < size_bytes:
                raise QueueFull("too much is being uploaded", retry_after_s=RETRY_AFTER_S)
            self._requests_left -= 1
            self._bytes_left -= size_bytes
        return Place(self, size_bytes)

    def take_back(self, size_bytes: int) -> None:
        with self._lock:
            self._requests_left += 1
            self._bytes_left += size_bytes


class Place:
    """One request's share of the room."""

    def __init__(self, room: Room, size_bytes: int) -> None:
        self._room = room
        self._size_bytes = size_bytes
        self._lock = threading.Lock()
        self._left = False

    def leave(self) -> None:
        """Give it back; once is enough, twice does no harm."""
        with self._lock:
            if self._left:
                return
            self._left = True
        self._room.take_back(self._size_bytes)
