"""The panel's HTTP interface for programs: JSON."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

import rider_core
from rider_core.errors import BackendUnavailable, InvalidInput, NoAnswer, RiderError
from rider_core.metrics import REFUSED
from rider_core.runtime.services import Services
from rider_core.web.openai.errors import PREFIX
from rider_core.web.openai.routes import explain_http
from rider_core.web.panel_state import PanelState
from rider_core.web.poller import describe_plugins

MAX_JOBS = 200
DEFAULT_JOBS = 50
#: Limit of a request's body: the panel takes no more than short JSON objects.
MAX_BODY_BYTES = 64 * 1024


def add_api(app: Flask, services: Services, panel_state: PanelState) -> None:
    """Register the routes, and the handlers that answer errors as JSON."""
    api = Blueprint("api", __name__)

    @api.get("/api/status")
    def status() -> Response:
        return jsonify({"version": rider_core.__version__, **panel_state.snapshot()})

    @api.get("/api/jobs")
    def jobs() -> Response:
        records = services.backend.recent(_limit())
        return jsonify({"jobs": [record.model_dump(mode="json", exclude={"result"}) for record in records]})

    @api.get("/api/plugins")
    def plugins() -> Response:
        return jsonify({"plugins": describe_plugins(services)})

    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.register_blueprint(api)
    app.register_error_handler(RiderError, _explain)
    app.register_error_handler(HTTPException, _explain_http)


def _limit() -> int:
    text = request.args.get("limit", str(DEFAULT_JOBS))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_JOBS):
        raise InvalidInput(f"limit is {text[:20]!r}, not 1 to {MAX_JOBS}")
    return int(text)


def _explain(error: RiderError) -> tuple[Response, int]:
    REFUSED.labels("web", error.code).inc()
    code = 400 if isinstance(error, InvalidInput) else 503 if isinstance(error, BackendUnavailable | NoAnswer) else 500
    return jsonify({"code": error.code, "message": error.message, "remedy": error.remedy}), code


def _explain_http(error: HTTPException) -> Any:
    if request.path.startswith(PREFIX):
        return explain_http(error)
    if not request.path.startswith("/api/") or error.code is None:
        return error
    return jsonify({"code": "http", "message": error.description, "remedy": None}), error.code
