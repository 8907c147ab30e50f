"""The Socket.IO namespace of those who talk through their browser: sound and questions in, sound and texts out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, SocketIO

from rider_core.api.languages import language_code
from rider_core.api.roles import Role
from rider_core.errors import RiderError
from rider_core.metrics import REFUSED
from rider_core.runtime.services import Services
from rider_core.web.access.needed_roles import Forbidden
from rider_core.web.socket_guard import SocketGuard

if TYPE_CHECKING:
    from rider_core.web.talk.talk_session import TalkSession

log = logging.getLogger(__name__)

NAMESPACE = "/talk"
#: Conversations at the same time: each has four threads, and its jobs go before others.
MAX_TALKS = 4
_NEEDS_OPERATE = "to talk, the role operate is needed; an administrator gives it"


class TalkFeed(Namespace):  # type: ignore[misc]
    """One session for each browser."""

    def __init__(self, socketio: SocketIO, services: Services, guard: SocketGuard) -> None:
        super().__init__(NAMESPACE)
        self._socketio = socketio
        self._services = services
        self._guard = guard
        self._sessions: dict[str, TalkSession] = {}
        #: Sessions that are being made, outside the lock.
        self._starting = 0
        self._lock = threading.Lock()
        socketio.on_namespace(self)

    def on_connect(self, auth: Any = None) -> None:
        if not self._guard.identity().may(Role.OPERATE):
            raise Refused(_NEEDS_OPERATE)
        named = auth.get("language") if isinstance(auth, dict) else None
        language = language_code(named[:20]) if isinstance(named, str) else None
        # The link's parts, and the detector of speech, are loaded with the first conversation.
        session_type = import_module("rider_core.web.talk.talk_session").TalkSession
        with self._lock:
            if len(self._sessions) + self._starting >= MAX_TALKS:
                REFUSED.labels("web", "too_many_talks").inc()
                raise Refused(f"{MAX_TALKS} browsers talk already; close one of them")
            self._starting += 1
        try:
            session = session_type(self._services, self._teller(_sid()), language)
            session.start()
            with self._lock:
                self._sessions[_sid()] = session
        finally:
            with self._lock:
                self._starting -= 1

    def on_disconnect(self, _reason: Any = None) -> None:
        with self._lock:
            session = self._sessions.pop(_sid(), None)
        if session is not None:
            # Its threads take a moment to end, and nobody waits for them.
            threading.Thread(target=session.stop, name="talk-end", daemon=True).start()

    def on_hear(self, pcm: Any = None) -> None:
        if isinstance(pcm, bytes):
            self._run(lambda session: session.hear(pcm))

    def on_ask(self, text: Any = None) -> None:
        if isinstance(text, str) and text.strip():
            self._run(lambda session: session.ask(text.strip()))

    def on_hush(self, *_: Any) -> None:
        self._run(lambda session: session.hush())

    def stop(self) -> None:
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            session.stop()

    def _run(self, act: Callable[[TalkSession], None]) -> None:
        with self._lock:
            session = self._sessions.get(_sid())
        if session is None:
            return
        try:
            if not self._guard.identity().may(Role.OPERATE):
                raise Forbidden(_NEEDS_OPERATE)
            act(session)
        except RiderError as error:
            REFUSED.labels("web", error.code).inc()
            self._teller(_sid())("trouble", {"message": str(error)})

    def _teller(self, sid: str) -> Callable[..., None]:
        def tell(name: str, *arguments: Any) -> None:
            self._socketio.emit(name, arguments, namespace=NAMESPACE, to=sid)

        return tell


def _sid() -> str:
    """Id of the browser whose message is being handled."""
    return str(request.sid)  # type: ignore[attr-defined]
