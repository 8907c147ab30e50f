"""Limits the Engine.IO sessions before one is created: each has a thread, and outlives its request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from flask_socketio import SocketIO

from rider_core.metrics import REFUSED
from rider_core.runtime.token_buckets import TokenBuckets
from rider_core.web.live import MAX_BROWSERS, NAMESPACE
from rider_core.web.serving.addresses import client_at

log = logging.getLogger(__name__)

PATH = "/socket.io"
#: Browsers that watch, and 32 that are connecting.
MAX_SESSIONS = MAX_BROWSERS + 32
#: Sessions that one client may open in a burst, and the seconds until it may open another. Behind a proxy all browsers
#: count as one client, and all reconnect after a restart. An abandoned session keeps its thread for Engine.IO's 25 s.
OPEN_BURST, OPEN_EVERY_S = MAX_SESSIONS, 1.0

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class SessionLimit:
    """WSGI middleware around Socket.IO's own."""

    def __init__(self, application: WsgiApp, socketio: SocketIO) -> None:
        self._application = application
        self._socketio = socketio
        self._open_rate = TokenBuckets(OPEN_BURST, OPEN_EVERY_S)
        self._polled: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not str(environ.get("PATH_INFO", "")).startswith(PATH) or environ.get("REQUEST_METHOD") != "GET":
            return self._application(environ, start_response)
        sid = parse_qs(environ.get("QUERY_STRING", "")).get("sid", [""])[0]
        if sid:
            return self._poll(sid, environ, start_response)
        wait_s = self._open_rate.take(client_at(str(environ.get("REMOTE_ADDR", ""))))
        if wait_s:
            return _refuse(start_response, "429 Too Many Requests", "too_many_openings", round(wait_s) + 1)
        if not self._has_capacity():
            return _refuse(start_response, "503 Service Unavailable", "too_many_browsers", 30)
        return self._application(environ, start_response)

    def _poll(self, sid: str, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Allow one poll for each session: a poll blocks a thread for up to 25 s."""
        if "HTTP_UPGRADE" in environ:  # comes while the poll that it replaces still runs
            return self._application(environ, start_response)
        with self._lock:
            if sid in self._polled:
                return _refuse(start_response, "400 Bad Request", "second_poll", None)
            self._polled.add(sid)
        try:
            # Engine.IO returns a list: the whole response exists when this call returns.
            return self._application(environ, start_response)
        finally:
            with self._lock:
                self._polled.discard(sid)

    def _has_capacity(self) -> bool:
        """Whether another session is allowed. If all are taken, the oldest one without a namespace is closed."""
        server = self._socketio.server
        with self._lock:
            sessions = dict(server.eio.sockets)
            if len(sessions) < MAX_SESSIONS:
                return True
            for sid, session in sessions.items():
                if server.manager.sid_from_eio_sid(sid, NAMESPACE) is None:
                    session.close(wait=False, abort=True)
                    server.eio.sockets.pop(sid, None)
                    return True
        return False


def _refuse(start_response: Callable[..., Any], status: str, code: str, retry_after_s: int | None) -> list[bytes]:
    REFUSED.labels("web", code).inc()
    body = b"Too many browsers are watching, or one opens too often.\n"
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    if retry_after_s is not None:
        headers.append(("Retry-After", str(retry_after_s)))
    start_response(status, headers)
    return [body]
