"""Sends what the robot's camera sees to browsers that show it: to each the latest frame once the last was drawn."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, SocketIO

from rider_core.api.roles import Role
from rider_core.metrics import REFUSED
from rider_core.runtime.camera_view import watch_camera
from rider_core.runtime.services import Services
from rider_core.web.fair_places import FairPlaces
from rider_core.web.socket_guard import SocketGuard

log = logging.getLogger(__name__)

NAMESPACE = "/camera"
#: Browsers that may show the camera at the same time: 15 pictures a second of 50 kB are 6 Mbit/s for each. Those of
#: one person make room for another person's.
MAX_VIEWERS = 16
#: Wait after an unexpected error, in seconds.
RESTART_S = 2.0


class CameraFeed(Namespace):  # type: ignore[misc]
    """The Socket.IO namespace, and the thread that reads frames while a browser watches."""

    def __init__(self, socketio: SocketIO, services: Services, guard: SocketGuard) -> None:
        super().__init__(NAMESPACE)
        self._socketio = socketio
        self._redis = services.redis
        self._guard = guard
        self._lock = threading.Lock()
        #: Id to whether the browser has drawn the last frame, which it acknowledges.
        self._viewers: dict[str, bool] = {}
        self._places = FairPlaces(MAX_VIEWERS)
        self._thread: threading.Thread | None = None
        socketio.on_namespace(self)

    def on_connect(self, _auth: Any = None) -> None:
        identity = self._guard.identity()
        if not identity.may(Role.READ):
            raise Refused("to see the camera, the role read is needed")
        with self._lock:
            granted, displaced = self._places.take(_sid(), identity.name)
            if not granted:
                REFUSED.labels("web", "too_many_viewers").inc()
                raise Refused(f"{MAX_VIEWERS} browsers show the camera already; close one of them")
            self._viewers.pop(displaced, None)
            self._viewers[_sid()] = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
                self._thread.start()
        if displaced:
            REFUSED.labels("web", "viewer_displaced").inc()
            self._socketio.server.disconnect(displaced, namespace=NAMESPACE)

    def on_disconnect(self, _reason: Any = None) -> None:
        with self._lock:
            self._viewers.pop(_sid(), None)
            self._places.leave(_sid())

    def stop(self) -> None:
        with self._lock:
            self._viewers.clear()
            self._places.clear()

    def _run(self) -> None:
        while not self._should_end():
            try:
                for frame, jpeg in watch_camera(self._redis, self._has_no_viewers):
                    self._show(frame.model_dump(mode="json"), jpeg)
            except Exception:  # the top of a thread
                log.exception("the camera cannot be shown")
                time.sleep(RESTART_S)

    def _show(self, frame: dict[str, Any], jpeg: bytes) -> None:
        with self._lock:
            ready = [sid for sid, has_drawn in self._viewers.items() if has_drawn]
            self._viewers.update(dict.fromkeys(ready, False))
        for sid in ready:
            try:
                self._send(sid, frame, jpeg)
            except Exception as error:  # one that is just going
                log.debug("a browser gets no picture: %s", error)

    def _has_no_viewers(self) -> bool:
        with self._lock:
            return not self._viewers

    def _should_end(self) -> bool:
        """Whether nobody watches any more. Decided with the lock: a browser that connects then starts a new thread."""
        with self._lock:
            if not self._viewers:
                self._thread = None
            return not self._viewers

    def _send(self, sid: str, frame: dict[str, Any], jpeg: bytes) -> None:
        def drawn(*_: Any) -> None:
            with self._lock:
                if sid in self._viewers:
                    self._viewers[sid] = True

        self._socketio.emit("frame", (frame, jpeg), namespace=NAMESPACE, to=sid, callback=drawn)


def _sid() -> str:
    """Id of the browser whose message is being handled."""
    return str(request.sid)  # type: ignore[attr-defined]
