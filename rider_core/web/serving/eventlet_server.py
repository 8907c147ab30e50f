"""Serves the panel with eventlet's server and a green thread for each connection. Patched processes alone import it."""

from __future__ import annotations

import io
import logging
import socket
from functools import partial
from typing import Any

import eventlet
import eventlet.wsgi
from flask import Flask

from rider_core.web.serving.chunks import ChunkedBody
from rider_core.web.serving.connections import MAX_CONNECTIONS, SILENCE_S, Connections
from rider_core.web.serving.handler import WatchedHandler

log = logging.getLogger("rider_core.web.http")
#: While a connection ends, the next may be there already; and where all green threads are taken, nobody accepts.
_PLACES = 4 * MAX_CONNECTIONS


class _ChunkedInput(eventlet.wsgi.Input):  # type: ignore[misc]
    """eventlet's, which also says `100 Continue`, over a body that we take apart."""

    def __init__(self, made: Any, coding: str) -> None:
        """
        Args:
            made: What eventlet has made for this request.
            coding: As for `ChunkedBody`.
        """
        super().__init__(made.rfile, None, made.get_socket(), made.wfile, made.wfile_line, chunked_input=True)
        self._body = io.BufferedReader(ChunkedBody(made.rfile, coding))

    def _chunked_read(self, rfile: Any, length: int | None = None, use_readline: bool = False) -> bytes:
        if self.should_send_hundred_continue:
            self.send_hundred_continue_response()
            self.is_hundred_continue_response_sent = True
        return self._body.readline(length) if use_readline else self._body.read(length)


class _EventletHandler(WatchedHandler, eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
    """`close_connection` is read when the first byte of an answer is written: what sets it earlier is heeded."""

    def __init__(self, connections: Connections, state: list[Any], server: Any) -> None:
        address, client, _ = state
        with connections.admitted(client, address[0]) as admitted:
            if admitted is not None:
                self.watched = admitted
                super().__init__(state, server)  # type: ignore[call-arg]  # eventlet's own has other ones

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        coding = environ.get("HTTP_TRANSFER_ENCODING")
        if coding is not None:
            environ["wsgi.input"] = environ["eventlet.input"] = _ChunkedInput(environ["eventlet.input"], coding)
            # Its end is read off there; Flask would take a body without a length for none.
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
            protocol=partial(_EventletHandler, self._connections),
            max_size=_PLACES,
            socket_timeout=SILENCE_S,
            # What is streamed goes out piece by piece; eventlet would gather 4 kB.
            minimum_chunk_size=1,
            debug=False,
        )

    def stop(self) -> None:
        self._serving.kill()
        self._connections.stop()
