"""The Flask application of the REST interface: strict JSON, errors as problem details, and the OpenAPI document."""

from __future__ import annotations

from typing import Any

from flask import Request, jsonify, request
from flask.json.provider import DefaultJSONProvider
from flask_openapi3.models.info import Info
from flask_openapi3.models.security_scheme import SecurityScheme
from flask_openapi3.openapi import OpenAPI
from pydantic_core import from_json
from werkzeug.exceptions import HTTPException

import rider_core
from rider_core.api.messages import check_json_parts
from rider_core.errors import InvalidInput, RiderError
from rider_core.web.access.session_cookie import NAME as COOKIE
from rider_core.web.openai.errors import PREFIX as OPENAI_PREFIX
from rider_core.web.openai.routes import explain_http as explain_openai
from rider_core.web.rest import problems
from rider_core.web.rest.blueprint import MAX_BODY_BYTES, ROOT

DOCUMENT_PATH = f"{ROOT}/openapi.json"
_DESCRIPTION = """Everything that the panel shows and does. Errors are problem details (RFC 9457); times are seconds
since the epoch; lists come in pages, `next` of one is `cursor` of the next."""
_SECURITY_SCHEMES: dict[str, SecurityScheme | dict[str, Any]] = {
    "password": {"type": "http", "scheme": "basic", "description": "a user's; that of `rider` is RIDER_WEB_PASSWORD"},
    "token": {"type": "http", "scheme": "bearer", "description": "made by `rider tokens new`"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "of a browser that has signed in"},
}


class StrictJson(DefaultJSONProvider):
    """Refuses NaN, infinity, deep nesting, and more parts than memory has room for."""

    sort_keys = False

    def loads(self, s: str | bytes, **_: Any) -> Any:
        data = s.encode() if isinstance(s, str) else s
        check_json_parts(data)
        return from_json(data, allow_inf_nan=False)


class StrictRequest(Request):
    """Says what is wrong with a body that is no JSON."""

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        raise InvalidInput(f"the body is not JSON: {e}")


class RestApplication(OpenAPI):
    """Flask, with what the REST interface needs. Other routes than those of `RestBlueprint` are not in the document."""

    json_provider_class = StrictJson
    request_class = StrictRequest


def create_application(template_folder: str, static_folder: str) -> RestApplication:
    """The application, with the route of the document, and no other."""
    app = RestApplication(
        "rider_core.web",
        info=Info(title="Rider-PC", version=rider_core.__version__, description=_DESCRIPTION),
        security_schemes=_SECURITY_SCHEMES,
        openapi_extensions={"security": [{name: []} for name in ("password", "token", "session")]},
        validation_error_status=400,
        validation_error_model=problems.Problem,
        validation_error_callback=problems.explain_validation,
        doc_ui=False,
        template_folder=template_folder,
        static_folder=static_folder,
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    app.add_url_rule(DOCUMENT_PATH, "openapi", lambda: jsonify(app.api_doc))
    app.register_error_handler(RiderError, problems.explain)
    app.register_error_handler(HTTPException, _explain_http)
    return app


def _explain_http(error: HTTPException) -> Any:
    if error.response is not None:  # made already, by the check of a request's schema
        return error.response
    if request.path.startswith(OPENAI_PREFIX):
        return explain_openai(error)
    if not request.path.startswith(problems.PREFIX) or error.code is None:
        return error
    return problems.explain_http(error)
