"""Sends changes of the panel's state to browsers. A browser gets the next message after it acknowledged the last one.

The acknowledgement is the flow control: for a browser that does not read, one message is in flight and nothing is
queued. Its next message has all changes since then.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, SocketIO

from rider_core.api.roles import Role
from rider_core.metrics import REFUSED
from rider_core.timing import ended_within
from rider_core.web.panel_state import TABLE_LIMITS, PanelState
from rider_core.web.socket_guard import SocketGuard

log = logging.getLogger(__name__)

NAMESPACE = "/live"
#: Minimum time between two messages to one browser, in seconds.
TICK_S = 0.05
#: Browsers that may watch at the same time: a few tabs of each person in a household.
MAX_BROWSERS = 64


@dataclass
class _Browser:
    """Attributes:
    revision: The one that was sent last; 0: none yet.
    in_flight: The last message is not acknowledged yet.
    """

    revision: int = 0
    in_flight: bool = False


class LiveFeed(Namespace):  # type: ignore[misc]
    """The Socket.IO namespace, and the thread that sends messages."""

    def __init__(self, socketio: SocketIO, panel_state: PanelState, guard: SocketGuard) -> None:
        super().__init__(NAMESPACE)
        self._socketio = socketio
        self._panel_state = panel_state
        self._guard = guard
        self._connected: set[str] = set()
        self._browsers: dict[str, _Browser] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        panel_state.on_change = self._changed.set
        socketio.on_namespace(self)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._changed.set()
        ended_within(self._thread, 1)

    def on_connect(self, _auth: Any = None) -> None:
        if not self._guard.identity().may(Role.READ):
            raise Refused("to watch, the role read is needed")
        with self._lock:
            if len(self._connected) >= MAX_BROWSERS:
                REFUSED.labels("web", "too_many_browsers").inc()
                raise Refused(f"{MAX_BROWSERS} browsers are watching already; close one of them")
            self._connected.add(_sid())

    def on_disconnect(self, _reason: Any = None) -> None:
        with self._lock:
            self._connected.discard(_sid())
            self._browsers.pop(_sid(), None)

    def on_ready(self, *_: Any) -> None:
        """The browser has registered its handlers: it gets the whole state first."""
        with self._lock:
            if _sid() in self._connected:
                self._browsers.setdefault(_sid(), _Browser())
        self._changed.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._changed.wait()
            self._changed.clear()
            try:
                self._send_deltas()
            except Exception:  # the top of a thread
                log.exception("changes could not be sent to the browsers")
            self._stop.wait(TICK_S)

    def _send_deltas(self) -> None:
        with self._lock:
            due = [
                (sid, browser.revision)
                for sid, browser in self._browsers.items()
                if not browser.in_flight and browser.revision < self._panel_state.revision
            ]
        messages: dict[int, dict[str, Any]] = {}
        for sid, revision in due:
            if revision not in messages:
                messages[revision] = self._message(revision)
            self._send(sid, messages[revision])

    def _message(self, revision: int) -> dict[str, Any]:
        message = {"now": time.time(), "full": revision == 0}
        if revision == 0:
            return message | {"limits": TABLE_LIMITS} | self._panel_state.snapshot()
        return message | self._panel_state.since(revision)

    def _send(self, sid: str, message: dict[str, Any]) -> None:
        with self._lock:
            browser = self._browsers.get(sid)
            if browser is None:
                return
            browser.revision = message["revision"]
            browser.in_flight = True

        def acknowledged(*_: Any) -> None:
            browser.in_flight = False
            self._changed.set()

        self._socketio.emit("news", message, namespace=NAMESPACE, to=sid, callback=acknowledged)


def _sid() -> str:
    """Id of the browser whose message is being handled."""
    return str(request.sid)  # type: ignore[attr-defined]
