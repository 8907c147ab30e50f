"""The blueprint under `/v1`: body limits, admission, error handlers, and the routes of the other files."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from rider_core.errors import RiderError
from rider_core.metrics import REFUSED
from rider_core.printable import printable
from rider_core.runtime.services import Services
from rider_core.web.openai.admission_limiter import AdmissionLimiter
from rider_core.web.openai.chat import add_chat
from rider_core.web.openai.client_connection import ClientDisconnected
from rider_core.web.openai.directory import ModelDirectory
from rider_core.web.openai.errors import PREFIX, error_body, error_response
from rider_core.web.openai.models import add_models
from rider_core.web.openai.speech import add_speech
from rider_core.web.openai.transcriptions import MAX_UPLOAD_BYTES, add_transcriptions
from rider_core.web.serving.handler import CONNECTION

#: Body limits by endpoint, in bytes; other endpoints have the panel's own limit. A conversation may have a hundred
#: turns of 32,000 characters.
BODY_LIMITS = {
    "openai.chat": 4 * 1024 * 1024,
    "openai.transcribe": MAX_UPLOAD_BYTES,
}
#: nginx's status for a client that has closed the connection; only the request metrics see it.
CLIENT_CLOSED_REQUEST = 499


def add_openai_routes(app: Flask, services: Services) -> None:
    """Register the routes. The panel runs no model: each request becomes a job."""
    routes = Blueprint("openai", __name__, url_prefix=PREFIX.rstrip("/"))
    limiter = AdmissionLimiter()
    directory = ModelDirectory(services)

    @routes.before_request
    def acquire() -> None:
        limit = BODY_LIMITS.get(request.endpoint or "", app.config["MAX_CONTENT_LENGTH"])
        request.max_content_length = limit
        size = request.content_length
        if size is not None and size > limit:
            raise RequestEntityTooLarge(f"the body has {size} bytes, the limit is {limit}")
        # A body without a length counts as the longest that is allowed.
        g.openai_slot = limiter.acquire(
            limit if size is None and request.method == "POST" else size or 0, request.environ.get(CONNECTION)
        )
        if size is None and request.mimetype != "multipart/form-data":
            # A chunked body that is too long: Werkzeug returns what fits, and raises at the next read only.
            request.get_data()
            request.stream.read(1)

    @routes.after_request
    def release_at_the_end(response: Response) -> Response:
        slot = g.pop("openai_slot", None)
        if slot is not None:
            response.call_on_close(slot.release)
        return response

    add_models(routes, directory)
    add_chat(routes, services, directory)
    add_transcriptions(routes, services, directory)
    add_speech(routes, services, directory)
    routes.register_error_handler(RiderError, _explain)
    routes.register_error_handler(ClientDisconnected, _client_disconnected)
    app.register_blueprint(routes)


def explain_http(error: HTTPException) -> Response:
    """The answer to an HTTP error of Flask under `/v1`, such as an unknown path."""
    status = error.code or 500
    code = {404: "unknown_url", 405: "method_not_allowed", 413: "too_large"}.get(status)
    message = error.description or error.name
    if status == 404:
        path = printable(request.path[:80])
        message = f"there is no {request.method} {path}; GET {PREFIX}models lists the models"
    response = jsonify(error_body(message, status, code=code))
    response.status_code = status
    if "Allow" in dict(error.get_headers()):
        response.headers["Allow"] = dict(error.get_headers())["Allow"]
    return response


def _explain(error: RiderError) -> Response:
    REFUSED.labels("web", error.code).inc()
    described = error_response(error)
    response = jsonify(described.body)
    response.status_code = described.status
    response.headers.update(described.headers)
    return response


def _client_disconnected(_error: ClientDisconnected) -> tuple[str, int]:
    return "", CLIENT_CLOSED_REQUEST
