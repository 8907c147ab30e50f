"""Serves the panel with one thread for each connection (`RIDER_ASYNC_MODE=threading`)."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from rider_core.web.serving.chunks import ChunkedBody
from rider_core.web.serving.connections import SILENCE_S, Connections, WatchedConnection
from rider_core.web.serving.handler import WatchedHandler
from rider_core.web.serving.tls import accepted

log = logging.getLogger(__name__)


class _ThreadedHandler(WatchedHandler, WSGIRequestHandler):
    timeout = SILENCE_S
    server_version = "Rider-PC"
    sys_version = ""
    wbufsize = -1

    def setup(self) -> None:
        self.watched = self.server.watched.connection  # type: ignore[attr-defined]
        super().setup()

    def make_environ(self) -> dict[str, Any]:
        environ = super().make_environ() | self.about_connection()
        if isinstance(self.connection, ssl.SSLSocket):
            environ["wsgi.url_scheme"] = "https"
        coding = environ.get("HTTP_TRANSFER_ENCODING")
        if coding is not None:
            environ.update({"wsgi.input": ChunkedBody(self.rfile, coding), "wsgi.input_terminated": True})
        return environ

    def end_headers(self) -> None:
        super().end_headers()
        # Without this Werkzeug reads until the client has sent its whole body.
        self.read_no_more()

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Also called at the end of a WebSocket. Without this its thread would wait for the next request."""
        self.close_connection = True

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug(message, *args)


class _Watched(threading.local):
    connection: WatchedConnection


class ThreadedServer(ThreadedWSGIServer):
    """Werkzeug's threaded server on a socket that listens already. Call `start` and `stop` once each."""

    def __init__(self, listener: socket.socket, app: Flask, tls: ssl.SSLContext | None) -> None:
        host, port = listener.getsockname()[:2]
        self.watched = _Watched()
        self._connections = Connections(tls=tls)
        super().__init__(host, port, app, handler=_ThreadedHandler, fd=listener.fileno())

    def start(self) -> None:
        self._connections.start()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2}, name="http", daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self._connections.stop()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._connections.admitted(request, client_address[0]) as admitted:
            if admitted is None:
                self.shutdown_request(request)
                return
            if self._connections.tls is not None:
                request = accepted(self._connections.tls, request, admitted)
                if request is None:
                    return
            self.watched.connection = admitted
            super().process_request_thread(request, client_address)
