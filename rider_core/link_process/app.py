"""The HTTP interface for the robot, served by the link's process on the one address that the robot can reach.

The robot's probe decides whether the domains stay with the PC, so it is answered at once whatever else hangs. There is
no password on this side: only the configured robot and this machine are answered, and requests that a web page in a
browser could send are rejected.
"""

from __future__ import annotations

import ipaddress
import math
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request

from rider_core import __version__
from rider_core.api.messages import parse_json
from rider_core.api.tasks import TASKS
from rider_core.errors import BackendUnavailable, InvalidInput, JobExpired, JobRefused, RiderError, WaitTimeout
from rider_core.link.capacity_monitor import CapacityMonitor
from rider_core.link_process.known_robots import KnownRobots
from rider_core.link_process.text_endpoint import RobotTextRequest, TextEndpoint
from rider_core.metrics import REFUSED
from rider_core.runtime.services import Services
from rider_core.runtime.token_buckets import TokenBuckets

#: HTTP status by the cause of a failed job; any other cause is 502.
STATUS_OF_CAUSE = {"invalid_input": 400, "too_large": 400, "provider_unavailable": 503, "model": 503}
#: Requests of one address in a burst, and the seconds until another may come: a robot probes us every few seconds, and
#: asks for one text at a time. A probe costs nothing, a text is a job.
PROBES, PROBE_EVERY_S = 500, 0.02
TEXTS, TEXT_EVERY_S = 30, 1.0


def create_app(services: Services, capacity: CapacityMonitor, robots: KnownRobots) -> Flask:
    """The application. It uses the backend and the settings of `services`."""
    app = Flask("rider_robot", static_folder=None, template_folder=None)
    text_endpoint = TextEndpoint(services.backend, services.settings.robot_prompt)
    probes, texts = TokenBuckets(PROBES, PROBE_EVERY_S), TokenBuckets(TEXTS, TEXT_EVERY_S)
    names = {"localhost", urlsplit(services.settings.link_url or "").hostname}

    @app.before_request
    def reject_strangers() -> tuple[Response, int] | None:
        if robots.include(request.remote_addr or ""):
            return None
        return _refuse("stranger", f"{request.remote_addr} is not the robot of this Rider-PC", 403)

    @app.before_request
    def reject_browsers() -> tuple[Response, int] | None:
        """A browser sends the page's origin, and cannot send JSON to another host without asking that host first."""
        if "Origin" in request.headers:
            return _refuse("origin", "a web page may not ask the robot's side of Rider-PC", 403)
        host = urlsplit(f"//{request.host}").hostname or ""
        if not _is_address(host) and host not in names:
            # DNS rebinding needs a name.
            return _refuse("host", "ask by address, or by the name in RIDER_LINK_URL", 403)
        if request.method == "POST" and not request.is_json:
            return _refuse("content_type", "send JSON, with Content-Type: application/json", 415)
        return None

    @app.before_request
    def limit_rate() -> tuple[Response, int] | None:
        wait_s = (texts if request.method == "POST" else probes).take(request.remote_addr or "")
        if not wait_s:
            return None
        seconds = math.ceil(wait_s)
        response, status = _refuse("rate_limit", f"too many requests from one address; try again in {seconds} s", 429)
        response.headers["Retry-After"] = str(seconds)
        return response, status

    @app.get("/providers/capabilities")
    def capabilities() -> Response:
        """The robot's probe: any 200 is healthy, and only `version` is read. `age_s`: age of the capacity."""
        snapshot = capacity.snapshot
        domains: dict[str, Any] = {}
        for task in TASKS.values():
            domain = domains.setdefault(task.queue, {"available": False, "tasks": []})
            if snapshot.capacity.get(task.name):
                domain["available"] = True
                domain["tasks"].append(task.name)
        age_s = None if snapshot.age_s is None else round(snapshot.age_s, 1)
        answer = {"version": __version__, "name": "rider-pc", "domains": domains, "age_s": age_s}
        return jsonify({**answer, "problem": snapshot.problem} if snapshot.problem else answer)

    # The robot's documents name both paths.
    @app.post("/providers/text/generate")
    @app.post("/api/providers/text/generate")
    def generate() -> Response:
        body = parse_json(RobotTextRequest, request.get_data())  # it limits the depth, which Flask's parser does not
        answer = text_endpoint.answer(body, request.environ.get("waitress.client_disconnected", lambda: False))
        response = jsonify(answer)
        response.headers["X-Request-Id"] = answer["task_id"]
        return response

    @app.errorhandler(RiderError)
    def explain(error: RiderError) -> tuple[Response, int]:
        if isinstance(error, InvalidInput):
            REFUSED.labels("link", error.code).inc()
            status = 400
        elif isinstance(error, BackendUnavailable | JobRefused | JobExpired | WaitTimeout):
            status = 503
        else:
            status = STATUS_OF_CAUSE.get(getattr(error, "cause", ""), 502)
        return jsonify({"detail": str(error)}), status

    return app


def _refuse(code: str, detail: str, status: int) -> tuple[Response, int]:
    REFUSED.labels("link", code).inc()
    return jsonify({"detail": detail}), status


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False
