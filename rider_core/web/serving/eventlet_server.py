"""Serves the panel with eventlet's server and a green thread for each connection. Patched processes alone import it."""

from __future__ import annotations

import logging
import socket
from functools import partial
from typing import Any

import eventlet
import eventlet.wsgi
from flask import Flask

from rider_core.web.serving.connections import MAX_CONNECTIONS, SILENCE_S, Connections
from rider_core.web.serving.handler import WatchedHandler

log = logging.getLogger("rider_core.web.http")
#: While a connection ends, the next may be there already; and where all green threads are taken, nobody accepts.
_PLACES = 4 * MAX_CONNECTIONS


class _Handler(WatchedHandler, eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
    """`close_connection` is read when the first byte of an answer is written: what sets it earlier is heeded."""

    def __init__(self, connections: Connections, state: list[Any], server: Any) -> None:
        address, client, _ = state
        with connections.admitted(client, address[0]) as admitted:
            if admitted is not None:
                self.watched = admitted
                super().__init__(state, server)  # type: ignore[call-arg]  # eventlet's own has other ones

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        if "HTTP_TRANSFER_ENCODING" in environ:
            # Its end is read off by eventlet; Flask would take a body without a length for none.
            environ["wsgi.input_terminated"] = True
        return environ | self.about_connection()


class EventletServer:
    """`start` and `stop` once each. The listener stays its maker's."""

    def __init__(self, listener: socket.socket, app: Flask) -> None:
        self._listener = listener
        self._app = app
        self._connections = Connections()
        self._serving: Any = None

    def start(self) -> None:
        self._connections.start()
        self._serving = eventlet.spawn(
            eventlet.wsgi.server,
            self._listener,
            self._app,
            log=log,
            log_output=False,
            protocol=partial(_Handler, self._connections),
            max_size=_PLACES,
            socket_timeout=SILENCE_S,
            # What is streamed goes out piece by piece; eventlet would gather 4 kB.
            minimum_chunk_size=1,
            debug=False,
        )

    def stop(self) -> None:
        self._serving.kill()
        self._connections.stop()
