"""How much the routes take in at a time, so that the panel's own pages keep theirs."""

from __future__ import annotations

import threading
import time

from rider_core.errors import QueueFull
from rider_core.web.serving.connections import Connection

#: Of the 256 connections that the panel has; browsers and their sockets need the others.
MAX_REQUESTS = 64
#: Of bodies: one of the largest at a time, or many small ones. On its way into a job a recording is in memory in
#: several forms (as it came, in base64, in JSON, as it is sent): one of 42 MB takes 280 MB for a moment.
MAX_BYTES = 64 * 1024 * 1024
RETRY_AFTER_S = 1.0
#: Who has sent or taken nothing for so long gives way where there is no room for another.
IDLE_S = 1.0


class Room:
    """Places for requests. All methods may be called from several threads."""

    def __init__(self, requests: int = MAX_REQUESTS, size_bytes: int = MAX_BYTES) -> None:
        self._requests_left = requests
        self._bytes_left = size_bytes
        self._places: dict[Place, None] = {}
        self._lock = threading.Lock()

    def enter(self, size_bytes: int, connection: Connection | None = None) -> Place:
        """Take a place for a request with a body of that size; give it back by its `leave`.

        Args:
            connection: Is ended where the place is needed and its client leaves us waiting.

        Raises:
            QueueFull: there is none now.
        """
        with self._lock:
            if self._requests_left < 1 or self._bytes_left < size_bytes:
                self._end_idle()
            if self._requests_left < 1:
                raise QueueFull("too many requests are being answered", retry_after_s=RETRY_AFTER_S)
            if self._bytes_left < size_bytes:
                raise QueueFull("too much is being uploaded", retry_after_s=RETRY_AFTER_S)
            place = Place(self, size_bytes, connection)
            self._places[place] = None
            self._requests_left -= 1
            self._bytes_left -= size_bytes
        return place

    def take_back(self, place: Place) -> None:
        with self._lock:
            self._forget(place)

    def _end_idle(self) -> None:
        """End the connections whose clients leave us waiting, all of them: one large body may need several places."""
        now = time.monotonic()
        for place in [it for it in self._places if it.idle_s(now) >= IDLE_S]:
            assert place.connection is not None
            place.connection.cut()
            self._forget(place)

    def _forget(self, place: Place) -> None:
        if place in self._places:
            del self._places[place]
            self._requests_left += 1
            self._bytes_left += place.size_bytes


class Place:
    """One request's share of the room."""

    def __init__(self, room: Room, size_bytes: int, connection: Connection | None) -> None:
        self.size_bytes = size_bytes
        self.connection = connection
        self._room = room

    def idle_s(self, now: float) -> float:
        """For how long its client has left us waiting."""
        since = self.connection.waits_since if self.connection is not None else None
        return now - since if since is not None else 0.0

    def leave(self) -> None:
        """Give it back; once is enough, twice does no harm."""
        self._room.take_back(self)
