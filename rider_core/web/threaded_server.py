"""Serves the panel with one thread for each connection, where eventlet is not wanted (`RIDER_ASYNC_MODE=threading`)."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

log = logging.getLogger(__name__)

#: Above Engine.IO's 25 s between pings and its 20 s for the answer; whoever is silent for longer is gone.
SILENCE_S = 60
#: Threads at most: 64 browsers, each with a socket and a few requests.
MAX_CONNECTIONS = 256


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_S
    server_version = "Rider-PC"
    sys_version = ""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """How a WebSocket ends here, too. Without this its thread would wait for a next request on the connection."""
        self.close_connection = True

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug(message, *args)


class ThreadedServer(ThreadedWSGIServer):
    """Werkzeug's threaded server on a socket that listens already, with a limit on its threads."""

    def __init__(self, listener: socket.socket, app: Flask) -> None:
        host, port = listener.getsockname()[:2]
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(host, port, app, handler=_Handler, fd=listener.fileno())

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._slots.acquire(blocking=False):
            log.warning("%d connections are open, one more was refused", MAX_CONNECTIONS)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()
