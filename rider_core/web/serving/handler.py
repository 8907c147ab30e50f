"""Common part of both servers' request handlers: they report waits to their connection, and close it gracefully.

Both are `http.server.BaseHTTPRequestHandler`, with `rfile`, `wfile` and `connection` as the standard library has them.
"""

from __future__ import annotations

import contextlib
import io
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from rider_core.web.serving.connections import WatchedConnection

#: Keys in the WSGI environment: the request's `WatchedConnection`, and a function that closes it after this answer.
CONNECTION, CLOSE = "rider.connection", "rider.close"
#: If a body was not read to its end, what still comes is read and discarded, because a client that is still sending
#: would lose the answer (RFC 9112, 9.6): for at most this time in seconds, and at most this many bytes.
LINGER_S = 2.0
LINGER_BYTES = 16 * 1024 * 1024
_BUFFER_BYTES = 16 * 1024

if TYPE_CHECKING:
    _Base = BaseHTTPRequestHandler
else:
    _Base = object


class WatchedStream(io.RawIOBase):
    """One direction of a socket, whose waits are reported to the connection."""

    def __init__(self, raw: io.RawIOBase, connection: WatchedConnection) -> None:
        super().__init__()
        self._raw = raw
        self._connection = connection
        #: Reads return the end of the stream, even if more bytes come.
        self.ended = False

    def readable(self) -> bool:
        return self._raw.readable()

    def writable(self) -> bool:
        return self._raw.writable()

    def readinto(self, buffer: Any) -> int | None:
        if self.ended:
            return 0
        return self._wait(self._raw.readinto, buffer, receives=True)

    def write(self, data: Any) -> int | None:
        return self._wait(self._raw.write, data, receives=False)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    def _wait(self, move: Callable[[Any], int | None], data: Any, receives: bool) -> int | None:
        moved = 0
        self._connection.begin_wait(receives)
        try:
            moved = move(data) or 0
        finally:
            self._connection.end_wait(moved)
        return moved


class WatchedHandler(_Base):
    """Mix-in, to stand before the handler's class. Set `watched` before the handler's constructor runs."""

    watched: WatchedConnection

    def setup(self) -> None:
        super().setup()
        self._incoming = WatchedStream(_raw_of(self.rfile), self.watched)
        self.rfile = io.BufferedReader(self._incoming, _BUFFER_BYTES)
        self.wfile = io.BufferedWriter(WatchedStream(_raw_of(self.wfile), self.watched), _BUFFER_BYTES)

    def handle_one_request(self) -> None:
        self.watched.begin_request()
        super().handle_one_request()

    def finish(self) -> None:
        """Close without losing the answer: shut down the sending side, wait for the client's end, close."""
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            if self._has_body():
                self._linger()
        super().finish()

    def about_connection(self) -> dict[str, Any]:
        """For the WSGI environment."""
        return {CONNECTION: self.watched, CLOSE: self._close_after_this}

    def read_no_more(self) -> None:
        """The request is answered: ignore the rest of its body."""
        self._incoming.ended = True

    def _close_after_this(self) -> None:
        self.close_connection = True

    def _has_body(self) -> bool:
        headers = getattr(self, "headers", None)
        return headers is not None and ("transfer-encoding" in headers or headers.get("content-length", "0") != "0")

    def _linger(self) -> None:
        end = time.monotonic() + LINGER_S
        left = LINGER_BYTES
        self.watched.begin_wait(receives=True)
        while left > 0 and (wait_s := end - time.monotonic()) > 0:
            self.connection.settimeout(wait_s)
            count = len(self.connection.recv(min(left, 64 * 1024)))
            if not count:
                return
            left -= count


def close_after_answer(environ: dict[str, Any]) -> None:
    """Close the connection after the answer to this request, even if the client asks to keep it."""
    environ.get(CLOSE, lambda: None)()


def _raw_of(stream: Any) -> io.RawIOBase:
    """The socket's raw stream below a buffer."""
    raw: io.RawIOBase = stream.detach()
    return raw
