"""Limits open connections: slow requests are aborted, and the longest idle connection is closed where the limit is hit.

After nginx's reuse of idle connections, and Apache's mod_reqtimeout: a request has a time limit, which grows with the
bytes that arrive.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator

from rider_core.metrics import REFUSED
from rider_core.timing import ended_within
from rider_core.web.serving.addresses import client_at, on_this_machine

log = logging.getLogger(__name__)

#: Maximum number of connections: 64 browsers, each with a socket and a few requests.
MAX_CONNECTIONS = 256
#: Maximum for one other machine. Loopback has no such limit: Prometheus, proxies and local programs use it.
MAX_PER_ADDRESS = 96
#: Total wait for a request (head and body) in seconds, and the received bytes that add one second each.
REQUEST_S = 10.0
BYTES_PER_S = 16 * 1024
#: Socket timeout in seconds, above Engine.IO's 25 s between pings and its 20 s for the answer.
SILENCE_S = 60
#: Interval of the checks for late requests, in seconds.
CHECK_EVERY_S = 1.0


class WatchedConnection:
    """One client's connection, which records whether the panel waits for the client to send or to receive.

    Only the server's thread of this connection calls `begin_wait` and `end_wait`.
    """

    def __init__(self, client: socket.socket, address: str) -> None:
        """
        Args:
            address: The client, as `client_at` gives it.
        """
        self.address = address
        #: Since when the panel waits for this client (monotonic); None: the panel is working.
        self.waiting_since: float | None = time.monotonic()
        self._client = client
        # Of the request that is being received.
        self._waited_s = 0.0
        self._received = 0
        #: Between two requests: no byte of the next one has come.
        self._is_idle = False
        self._answered_any = False
        self._is_receiving = True

    def replace(self, client: socket.socket) -> None:
        """The connection goes on with this socket: it is encrypted."""
        self._client = client

    def begin_request(self) -> None:
        """The previous request, if there was one, has been answered."""
        self._is_idle, self._answered_any = self._answered_any, True
        self._waited_s, self._received = 0.0, 0

    def begin_wait(self, receives: bool) -> None:
        """The panel waits for the client to send (`receives`), or to receive what was sent."""
        self._is_receiving = receives
        self.waiting_since = time.monotonic()

    def end_wait(self, moved: int) -> None:
        """The wait is over, `moved` bytes were transferred."""
        since, self.waiting_since = self.waiting_since, None
        if not self._is_receiving:
            return
        if not self._is_idle and since is not None:
            self._waited_s += time.monotonic() - since
        self._received += moved
        self._is_idle = self._is_idle and not moved

    def is_late(self, now: float) -> bool:
        """Whether the time limit of its request has passed."""
        since = self.waiting_since
        if since is None or self._is_idle or not self._is_receiving:
            return False
        return self._waited_s + now - since > REQUEST_S + self._received / BYTES_PER_S

    def abort(self) -> None:
        """Shut the socket down. The connection's thread, which waits for the client, reads the end."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)


class Connections:
    """All open connections. All methods may be called from several threads."""

    def __init__(
        self, limit: int = MAX_CONNECTIONS, per_address: int = MAX_PER_ADDRESS, tls: ssl.SSLContext | None = None
    ) -> None:
        """
        Args:
            tls: With which a connection begins; None: with plain HTTP.
        """
        self.tls = tls
        self._limit = limit
        self._per_address = per_address
        self._open: dict[WatchedConnection, None] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._abort_late, name="connections", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        ended_within(self._thread, 1)

    def __len__(self) -> int:
        return len(self._open)

    @contextlib.contextmanager
    def admitted(self, client: socket.socket, host: str) -> Iterator[WatchedConnection | None]:
        """A new connection, open as long as the block runs; None: it was refused."""
        connection = WatchedConnection(client, client_at(host))
        entered = self._enter(connection)
        try:
            yield connection if entered else None
        finally:
            with self._lock:
                self._open.pop(connection, None)

    def _enter(self, newcomer: WatchedConnection) -> bool:
        with self._lock:
            neighbours = [it for it in self._open if it.address == newcomer.address]
            if len(neighbours) >= self._per_address and not on_this_machine(newcomer.address):
                candidates = neighbours
            elif len(self._open) >= self._limit:
                candidates = list(self._open)
            else:
                candidates = []
            if candidates:
                idle = _longest_idle(candidates)
                if idle is None:
                    REFUSED.labels("web", "too_many_connections").inc()
                    return False
                REFUSED.labels("web", "idle_connection").inc()
                idle.abort()
                del self._open[idle]
            self._open[newcomer] = None
            return True

    def _abort_late(self) -> None:
        while not self._stop.wait(CHECK_EVERY_S):
            now = time.monotonic()
            with self._lock:
                late = [it for it in self._open if it.is_late(now)]
            for connection in late:
                REFUSED.labels("web", "late_request").inc()
                connection.abort()


def _longest_idle(connections: list[WatchedConnection]) -> WatchedConnection | None:
    """The connection whose client the panel has waited for longest; None: it waits for none of them."""
    waiting = [(it.waiting_since, number) for number, it in enumerate(connections) if it.waiting_since is not None]
    return connections[min(waiting)[1]] if waiting else None
