"""The server on a Unix socket: one request for each connection, a line of JSON, and one line back.

One thread reads from all connections, so that clients which send nothing cost neither threads nor time.
"""

from __future__ import annotations

import contextlib
import logging
import select
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rider_core.errors import RiderError
from rider_core.rpc.handling import MAX_REQUEST_BYTES, RequestHandler, ThreadLimiter, busy_error, too_large_error
from rider_core.rpc.socket_path import OwnedSocket

log = logging.getLogger(__name__)

#: Connections whose request has not arrived yet. One more closes the oldest: our client sends its request at once.
MAX_CONNECTIONS = 32
#: Within this time after its connection a request must have arrived.
REQUEST_LIMIT_S = 2.0
#: A client waits this long for an answer at most.
ANSWER_LIMIT_S = 5.0
#: A client must take its answer within this time.
SEND_LIMIT_S = 2.0


@dataclass
class _PendingConnection:
    peer: socket.socket
    began: float = field(default_factory=time.monotonic)
    received: bytearray = field(default_factory=bytearray)


class SocketServer:
    """Answers requests on a Unix socket, until it is stopped."""

    def __init__(self, path: Path, handler: RequestHandler) -> None:
        """
        Raises:
            ConfigError: another process listens there.
            OSError: the folder cannot be used.
        """
        self._handler = handler
        self._socket = OwnedSocket(path)
        self._threads = ThreadLimiter("socket-request")
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket.listener, selectors.EVENT_READ)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._connections: dict[socket.socket, _PendingConnection] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="socket-server", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop listening. Requests that are being executed are still answered."""
        self._stop.set()
        self._wake_writer.send(b"!")
        if self._thread.is_alive():
            self._thread.join(timeout=2)
        for peer in list(self._connections):
            self._drop(peer)
        self._selector.close()
        self._socket.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._round()
            except Exception:  # the top of a thread
                log.exception("the socket for requests had a problem")
                self._stop.wait(1.0)

    def _round(self) -> None:
        for key, _ in self._selector.select(REQUEST_LIMIT_S / 2):
            if key.fileobj is self._socket.listener:
                self._accept()
            elif key.fileobj in self._connections:
                self._read(self._connections[key.fileobj])
        now = time.monotonic()
        for connection in list(self._connections.values()):
            if now - connection.began > REQUEST_LIMIT_S:
                self._drop(connection.peer)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            peer, _ = self._socket.listener.accept()
            peer.setblocking(False)
            if len(self._connections) >= MAX_CONNECTIONS:
                self._drop(next(iter(self._connections)))
            self._connections[peer] = _PendingConnection(peer)
            self._selector.register(peer, selectors.EVENT_READ)

    def _read(self, connection: _PendingConnection) -> None:
        try:
            data = connection.peer.recv(MAX_REQUEST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        connection.received += data
        line, end, _ = connection.received.partition(b"\n")
        if len(line) > MAX_REQUEST_BYTES:
            self._forget(connection.peer)
            self._refuse(connection.peer, too_large_error())
        elif end:
            self._dispatch(connection, bytes(line))
        elif not data:
            self._drop(connection.peer)

    def _dispatch(self, connection: _PendingConnection, request: bytes) -> None:
        self._forget(connection.peer)
        if not self._threads.run(partial(self._answer, connection, request)):
            self._refuse(connection.peer, busy_error())

    def _answer(self, connection: _PendingConnection, request: bytes) -> None:
        with connection.peer as peer:
            left_s = ANSWER_LIMIT_S - (time.monotonic() - connection.began)
            if left_s <= 0 or _has_hung_up(peer):
                return  # the client has reported a failure, so the request must not be executed any more
            answer = self._handler.answer(request, left_s)
            peer.settimeout(SEND_LIMIT_S)
            with contextlib.suppress(OSError):
                peer.sendall(answer + b"\n")

    def _refuse(self, peer: socket.socket, error: RiderError) -> None:
        with contextlib.suppress(OSError):
            peer.send(self._handler.refuse(error) + b"\n")
        peer.close()

    def _drop(self, peer: socket.socket) -> None:
        self._forget(peer)
        peer.close()

    def _forget(self, peer: socket.socket) -> None:
        """Read no more from a connection."""
        self._selector.unregister(peer)
        del self._connections[peer]


def _has_hung_up(peer: socket.socket) -> bool:
    """Whether the client has closed its socket. After a `shutdown` of its sending direction it still waits."""
    poll = select.poll()
    poll.register(peer, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))
