"""Closes Socket.IO connections whose session has ended or has another role: a connection is checked when it opens only.

A browser opens it again at once, and is let in with its present role, or asked to sign in.
"""

from __future__ import annotations

import logging
import threading

from flask import request
from flask_socketio import SocketIO

from rider_core.errors import ConfigError, DatabaseError
from rider_core.metrics import REFUSED
from rider_core.timing import ended_within
from rider_core.web.access.authenticator import Authenticator
from rider_core.web.access.identity import NOBODY, Identity, identity_of

log = logging.getLogger(__name__)

#: Time between two looks at all connections, in seconds. What `rider users` changes counts `REFRESH_S` later.
CHECK_S = 1.0


class SocketGuard:
    """A thread that looks at all connections, and the identity of each for those who handle its messages."""

    def __init__(self, socketio: SocketIO, authenticator: Authenticator) -> None:
        self._socketio = socketio
        self._authenticator = authenticator
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="socket-guard", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        ended_within(self._thread, 1)

    def identity(self) -> Identity:
        """Of the connection whose message is being handled, with its present role; `NOBODY`: its session has ended."""
        return self._present(identity_of(request.environ)) or NOBODY

    def _run(self) -> None:
        while not self._stop.wait(CHECK_S):
            try:
                self._close_ended()
            except Exception:  # the top of a thread
                log.exception("the connections of browsers cannot be checked")

    def _close_ended(self) -> None:
        server = self._socketio.server
        for sid, environ in list(server.environ.items()):
            opened = identity_of(environ)
            present = self._present(opened)
            session = server.eio.sockets.get(sid)
            if session is not None and (present is None or present.role != opened.role):
                REFUSED.labels("web", "session_ended" if present is None else "role_changed").inc()
                log.info("a connection of %s is closed: its session has ended, or its role has changed", opened.name)
                session.close(wait=False)

    def _present(self, opened: Identity) -> Identity | None:
        try:
            return self._authenticator.present(opened)
        except (DatabaseError, ConfigError):  # no users were ever read: nobody could have come in
            return None
