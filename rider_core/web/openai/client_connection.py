"""Whether the one who asked is still there. WSGI has no word for it, so its two servers' sockets are looked at."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from typing import Any


class ClientDisconnected(Exception):
    """Nobody waits for the answer any more."""


class ClientConnection:
    """Who sent a request."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._socket = environ.get("werkzeug.socket")
        if self._socket is None and "eventlet.input" in environ:
            self._socket = environ["eventlet.input"].get_socket()

    def check(self) -> None:
        """Raise `ClientDisconnected` if the client has closed the connection. Neither blocks nor consumes input."""
        if self._socket is None:  # another server, as in a test without one
            return
        try:
            # A copy, because the server's own socket has a time limit and would be waited for.
            with closing(socket.socket(fileno=os.dup(self._socket.fileno()))) as copy:
                copy.setblocking(False)
                if copy.recv(1, socket.MSG_PEEK) == b"":
                    raise ClientDisconnected
        except BlockingIOError:
            return  # there, and silent
        except OSError:
            raise ClientDisconnected from None
