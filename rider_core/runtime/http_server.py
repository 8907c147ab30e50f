"""A WSGI server in a thread, which can be stopped from another thread and leaves no threads behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

_STOP_S = 5.0

#: A WSGI application (PEP 3333), such as Flask's.
WsgiApp = Callable[..., Iterable[bytes]]


class HttpServer:
    """Listens from its creation, and answers from `start()` until `stop()`.

    Attributes:
        port: The port that it listens on, also if 0 was requested.
    """

    def __init__(self, app: WsgiApp, host: str, port: int, name: str, **options: Any) -> None:
        """
        Args:
            name: Of its thread, and of the server in its answers.
            options: Waitress's options, such as the number of threads and limits.

        Raises:
            OSError: the port is in use, or this machine does not have the address.
        """
        self._sockets: dict[int, object] = {}
        # Bound here: if the port is in use, waitress would leave its threads behind.
        listener = _bound(host, port)
        self.port: int = listener.getsockname()[1]
        self._server = create_server(app, map=self._sockets, sockets=[listener], ident=name, **options)
        self._thread = threading.Thread(target=self._server.run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        # First the worker threads: they write to the trigger, which the second step closes.
        self._server.task_dispatcher.shutdown(timeout=_STOP_S)
        pulled = threading.Event()

        def close_all() -> None:
            pulled.wait(_STOP_S)  # a worker thread's write may have called this before our own pull
            wasyncore.close_all(self._sockets, ignore_all=True)

        self._server.trigger.pull_trigger(close_all)
        pulled.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        else:
            wasyncore.close_all(self._sockets, ignore_all=True)


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
