"""Health checks for supervisors and load balancers. They need no password, so they say nothing else."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify

from rider_core.api.tasks import TASKS, Task
from rider_core.errors import BackendUnavailable, ConfigError, ProviderUnavailable
from rider_core.runtime.services import Services
from rider_core.web.access.needed_roles import needs
from rider_core.web.panel_state import PanelState

LIVE, READY, SHORT = "/health/live", "/health/ready", "/healthz"
#: The paths without a password.
OPEN_PATHS = frozenset({LIVE, READY, SHORT})


def add_health(app: Flask, services: Services, panel_state: PanelState) -> None:
    """Register the health checks."""
    health = Blueprint("health", __name__)

    def live() -> Response:
        """The process answers. Restart it where this fails."""
        return jsonify({"status": "ok"})

    def ready() -> tuple[Response, int]:
        """Work can be done. Send nothing here while this fails; a restart is no help."""
        problems = not_ready(services, panel_state)
        return jsonify({"status": "not ready" if problems else "ok", "problems": problems}), 503 if problems else 200

    def healthz() -> Response:
        redis = panel_state.section("redis") or {"up": False}
        state = "down" if not redis["up"] else "cannot write" if redis["write_problem"] else "up"
        return jsonify({"status": "ok", "redis": state})

    for path, view in ((LIVE, live), (READY, ready), (SHORT, healthz)):
        health.add_url_rule(path, view_func=needs(None, view))
    app.register_blueprint(health)


def not_ready(services: Services, panel_state: PanelState) -> list[str]:
    """Why jobs cannot be done: Redis is away or cannot write, or a task with a provider has no worker."""
    redis = panel_state.section("redis") or {"up": False}
    if not redis["up"]:
        return ["Redis does not answer"]
    if redis["write_problem"]:
        return ["Redis cannot write"]
    try:
        capacity = services.backend.capacity()
    except BackendUnavailable:
        return ["Redis does not answer"]
    return [
        f"no worker can do {task.name}"
        for task in TASKS.values()
        if _has_engine(services, task) and not capacity.get(task.name)
    ]


def _has_engine(services: Services, task: Task) -> bool:
    """Whether a worker could do the task: a real engine is installed, or the settings name one."""
    try:
        services.provider_names(task.provider)
    except ProviderUnavailable:
        return False
    except ConfigError:  # the settings name one that is not installed
        return True
    return True
