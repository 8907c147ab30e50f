"""A WSGI server in a thread, which can be ended from another one and leaves no thread behind."""

from __future__ import annotations

import socket
import threading

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from rider_core.errors import ConfigError

#: The robot's own server answers few at a time, too.
_THREADS = 4
_MAX_BODY_BYTES = 1024 * 1024
_STOP_S = 5.0


class HttpServer:
    """Serves `app` from its creation until `stop()`. `port` is the one that it listens on, also where 0 was asked for.

    Raises:
        ConfigError: the port is taken.
    """

    def __init__(self, app: Flask, host: str, port: int) -> None:
        self._sockets: dict[int, object] = {}
        # Bound here: where the port is taken, waitress would leave its threads behind.
        listener = _bound(host, port)
        self.port: int = listener.getsockname()[1]
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listener],
            threads=_THREADS,
            ident="rider-pi-simulated",
            max_request_body_size=_MAX_BODY_BYTES,
            clear_untrusted_proxy_headers=True,
        )
        self._thread = threading.Thread(target=self._server.run, name="simulated-api", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        # First the threads that answer: they write to the trigger, which the second step closes.
        self._server.task_dispatcher.shutdown(timeout=_STOP_S)
        pulled = threading.Event()

        def close_all() -> None:
            pulled.wait(_STOP_S)  # what one of those threads wrote may have brought us here before our own pull
            wasyncore.close_all(self._sockets, ignore_all=True)

        self._server.trigger.pull_trigger(close_all)
        pulled.set()
        self._thread.join(_STOP_S)


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"the simulated robot's HTTP interface cannot listen on {host}:{port}: {error.strerror}",
            remedy="end what listens there, or choose another port",
        ) from None
    return listener
