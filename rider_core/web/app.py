"""Assembles the panel: the Flask application, Socket.IO, the security middleware in front of both, and the threads."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask
from flask_socketio import SocketIO

from rider_core.runtime.process import StatusReporter
from rider_core.runtime.services import Services
from rider_core.web.access.access_control import AccessControl
from rider_core.web.access.audit import Audit, record_changes
from rider_core.web.access.needed_roles import check_roles
from rider_core.web.assets import add_static, build_of, web_folder
from rider_core.web.camera_feed import CameraFeed
from rider_core.web.changes import Changes, announce_changes
from rider_core.web.health import add_health
from rider_core.web.kept_jobs import JobKeeper
from rider_core.web.live import LiveFeed
from rider_core.web.metrics.route import add_metrics
from rider_core.web.minute_recorder import MinuteRecorder
from rider_core.web.model_operations import ModelOperations
from rider_core.web.openai.routes import add_openai_routes
from rider_core.web.pages import add_pages
from rider_core.web.panel_state import PanelState
from rider_core.web.plugin_pages import drop_pages_without_routes
from rider_core.web.poller import Poller
from rider_core.web.rate_limits import add_rate_limits
from rider_core.web.reader import BusReader
from rider_core.web.rest.application import create_application
from rider_core.web.rest.resources import rest_blueprints
from rider_core.web.security import SecurityMiddleware, check_exposure
from rider_core.web.sessions import SessionLimit
from rider_core.web.socket_guard import SocketGuard
from rider_core.web.talk.talk_feed import TalkFeed

log = logging.getLogger(__name__)

#: A browser sends acknowledgements, and who talks a tenth of a second of sound at a time.
MAX_MESSAGE_BYTES = 10_000


class _Stoppable(Protocol):
    def stop(self) -> None: ...


class _Thread(_Stoppable, Protocol):
    def start(self) -> None: ...


@dataclass(frozen=True)
class Panel:
    """The panel, ready to be served.

    Attributes:
        app: The WSGI application, with Socket.IO and the security middleware.
        threads: What runs all the time.
        on_demand: What has threads or processes while somebody uses it.
    """

    app: Flask
    threads: Sequence[_Thread]
    on_demand: Sequence[_Stoppable]

    def start(self) -> None:
        for part in self.threads:
            part.start()

    def stop(self) -> None:
        # In parallel: each may wait a second for Redis.
        parts: list[_Stoppable] = [*self.threads, *self.on_demand]
        stopping = [threading.Thread(target=part.stop, daemon=True) for part in parts]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()


def create_app(services: Services) -> Panel:
    """The panel over `services`; nothing is started yet.

    Raises:
        ConfigError: it would be open to others who need not sign in, or its browser files were not built.
        DatabaseError: the users cannot be read.
    """
    settings = services.settings
    check_exposure(settings)
    folder = web_folder()
    app = create_application(str(folder / "templates"), str(folder / "static"))
    panel_state = PanelState()
    access = AccessControl(settings)
    add_metrics(app, services)  # first: it measures all requests
    check_roles(app)
    add_rate_limits(app, services)
    audit = Audit(services)
    changes = Changes(panel_state)
    # Flask calls after_request functions in reverse order: the entry is written before the change is announced.
    announce_changes(app, changes)
    record_changes(app, audit)
    models = ModelOperations(services, panel_state, changes)
    add_health(app, services, panel_state)
    add_openai_routes(app, services)
    keeper = JobKeeper(services)
    for blueprint in rest_blueprints(services, panel_state, access, audit, models, keeper):
        app.register_api(blueprint)
    add_pages(app, build_of(folder))
    add_static(app, folder)
    _add_plugin_routes(app, services.plugins.registry.routes)
    drop_pages_without_routes(app, services.plugins)
    socketio = SocketIO(
        app,
        async_mode=settings.async_mode,
        # The messages of one browser are handled one after another: sound must stay in its order.
        async_handlers=False,
        manage_session=False,
        max_http_buffer_size=MAX_MESSAGE_BYTES,
    )
    guard = SocketGuard(socketio, access.authenticator)
    feed = LiveFeed(socketio, panel_state, guard)
    camera = CameraFeed(socketio, services, guard)
    talk = TalkFeed(socketio, services, guard)
    # The middleware is outermost, so that Engine.IO's requests pass it too.
    app.wsgi_app = SecurityMiddleware(SessionLimit(app.wsgi_app, socketio), settings, access)  # type: ignore[method-assign]
    reader = BusReader(services, panel_state, keeper)
    poller = Poller(services, panel_state, reader)
    minutes = MinuteRecorder(services, panel_state)
    reporter = StatusReporter(services.bus, _describe)
    return Panel(app, threads=(feed, guard, reader, poller, minutes, reporter), on_demand=(camera, talk, models))


def _describe() -> dict[str, Any]:
    return {
        "role": "panel",
        "name": "panel",
        "pid": os.getpid(),
        "queues": [],
        "state": "idle",
        "providers": [],
        "problems": [],
    }


def _add_plugin_routes(app: Flask, blueprints: list[Any]) -> None:
    for blueprint in blueprints:
        try:
            app.register_blueprint(blueprint)
        except Exception:  # a plugin's object
            log.exception("the routes of %s cannot be added", str(getattr(blueprint, "name", blueprint))[:80])
