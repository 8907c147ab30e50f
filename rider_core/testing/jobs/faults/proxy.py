"""A proxy to a server that loses answers: requests arrive, answers do not."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

_PIECE = 65_536


class AnswerSwallower:
    """Listens on a port of 127.0.0.1 and forwards everything, until `swallow` is called.

    Args:
        server: Path of a Unix socket, or a host and a port.
        question: Bytes that a request contains, and a handshake does not.
    """

    def __init__(self, server: str | tuple[str, int], question: bytes = b"") -> None:
        self._server = server
        self._question = question
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._to_swallow = 0
        self._open: set[socket.socket] = set()
        self._asking: set[socket.socket] = set()  # the server's ends of connections that sent a request
        self.swallowed = 0
        self._thread = threading.Thread(target=self._accept, name="answer-swallower", daemon=True)
        self._thread.start()

    def swallow(self, answers: int) -> None:
        """Cut the next `answers` connections that send a request, before their answer."""
        with self._lock:
            self._to_swallow = answers
            self._asking.clear()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._open)
        for each in left:
            _cut(each)
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:  # closed
                return
            server = self._connect()
            with self._lock:
                self._open |= {client, server}
            for source, target, answers in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass_on, args=(source, target, answers), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self._server, str):
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            return server
        return socket.create_connection(self._server)

    def _pass_on(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                if answers and self._swallows(source):
                    break
                if not answers and self._question in piece:
                    self._asks(target)
                target.sendall(piece)
        _cut(source)
        _cut(target)
        with self._lock:
            self._open -= {source, target}
            self._asking -= {source, target}

    def _asks(self, server: socket.socket) -> None:
        with self._lock:
            self._asking.add(server)

    def _swallows(self, server: socket.socket) -> bool:
        with self._lock:
            if self._to_swallow == 0 or server not in self._asking:
                return False
            self._to_swallow -= 1
            self.swallowed += 1
            return True


def _cut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
