"""Detects that a client has closed its connection. WSGI has no API for that, so the server's socket is checked."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from typing import Any


class ClientDisconnected(Exception):
    """The client has closed the connection before the answer."""


class ClientConnection:
    """The connection that a request came on."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._socket = environ.get("werkzeug.socket")
        if self._socket is None and "eventlet.input" in environ:
            self._socket = environ["eventlet.input"].get_socket()

    def check(self) -> None:
        """Raise `ClientDisconnected` if the client has closed the connection. Neither blocks nor consumes input."""
        if self._socket is None:  # no socket in the environment, as in a test without a server
            return
        try:
            # A duplicate without a timeout: the server's socket has one, and would block.
            with closing(socket.socket(fileno=os.dup(self._socket.fileno()))) as copy:
                copy.setblocking(False)
                if copy.recv(1, socket.MSG_PEEK) == b"":
                    raise ClientDisconnected
        except BlockingIOError:
            return  # open, without input
        except OSError:
            raise ClientDisconnected from None
