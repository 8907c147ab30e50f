"""Serves the panel with eventlet's server and a green thread for each connection. For patched processes only."""

from __future__ import annotations

import io
import logging
import socket
import ssl
from functools import partial
from typing import Any

import eventlet
import eventlet.wsgi
from flask import Flask

from rider_core.web.serving.chunks import ChunkedBody
from rider_core.web.serving.connections import MAX_CONNECTIONS, SILENCE_S, Connections
from rider_core.web.serving.handler import WatchedHandler
from rider_core.web.serving.tls import accepted

log = logging.getLogger("rider_core.web.http")
#: More than connections: a connection that ends overlaps with the next one, and without a free green thread the server
#: does not accept.
_GREEN_THREADS = 4 * MAX_CONNECTIONS


class _ChunkedInput(eventlet.wsgi.Input):  # type: ignore[misc]
    """eventlet's input, which also sends `100 Continue`, with our decoder of chunks."""

    def __init__(self, original: Any, coding: str) -> None:
        """
        Args:
            original: eventlet's input for this request.
            coding: As for `ChunkedBody`.
        """
        wfile, wfile_line = original.wfile, original.wfile_line
        super().__init__(original.rfile, None, original.get_socket(), wfile, wfile_line, chunked_input=True)
        self._body = io.BufferedReader(ChunkedBody(original.rfile, coding))

    def _chunked_read(self, rfile: Any, length: int | None = None, use_readline: bool = False) -> bytes:
        if self.should_send_hundred_continue:
            self.send_hundred_continue_response()
            self.is_hundred_continue_response_sent = True
        return self._body.readline(length) if use_readline else self._body.read(length)


class _EventletHandler(WatchedHandler, eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
    """eventlet reads `close_connection` at the first byte of an answer, so it can be set until then."""

    def __init__(self, connections: Connections, state: list[Any], server: Any) -> None:
        address, client, _ = state
        with connections.admitted(client, address[0]) as admitted:
            if admitted is None:
                return
            tls = connections.tls
            if tls is not None:
                client = accepted(tls, client, admitted)
                state[1] = client
            if client is not None:
                self.watched = admitted
                super().__init__(state, server)  # type: ignore[call-arg]  # eventlet's own has other ones

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        coding = environ.get("HTTP_TRANSFER_ENCODING")
        if coding is not None:
            environ["wsgi.input"] = environ["eventlet.input"] = _ChunkedInput(environ["eventlet.input"], coding)
            # The body marks its own end; without this Flask treats a body without a length as empty.
            environ["wsgi.input_terminated"] = True
        if isinstance(self.connection, ssl.SSLSocket):
            environ["wsgi.url_scheme"] = "https"
        return environ | self.about_connection()


class EventletServer:
    """Call `start` and `stop` once each. The caller closes the listener."""

    def __init__(self, listener: socket.socket, app: Flask, tls: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._app = app
        self._connections = Connections(tls=tls)
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
            max_size=_GREEN_THREADS,
            socket_timeout=SILENCE_S,
            # Streamed pieces are sent at once; eventlet's default collects 4 kB.
            minimum_chunk_size=1,
            debug=False,
        )

    def stop(self) -> None:
        self._serving.kill()
        self._connections.stop()
