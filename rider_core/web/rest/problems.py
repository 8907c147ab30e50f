"""Errors of the REST interface as problem details (RFC 9457): status, code, sentence and remedy as JSON."""

from __future__ import annotations

import json
import math
from http import HTTPStatus

from flask import Response
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException

from rider_core.api.messages import Message, shorten
from rider_core.errors import (
    AlreadyExists,
    BackendUnavailable,
    ConfigError,
    Conflict,
    DatabaseError,
    InvalidInput,
    JobNotFound,
    JobRefused,
    ModelError,
    NoAnswer,
    NotFound,
    PluginError,
    QueueFull,
    RiderError,
    ScheduleNotFound,
    TooLarge,
)
from rider_core.metrics import REFUSED
from rider_core.printable import is_secret
from rider_core.web.access.needed_roles import Forbidden

#: The paths below it have errors in this format, also those of the security middleware.
PREFIX = "/api/"
CONTENT_TYPE = "application/problem+json"
_TYPE = "urn:problem-type:rider:"
#: Fields that one answer names.
MAX_FIELDS = 20


class ChangedMeanwhile(InvalidInput):
    """What the request would change is not what the client has seen (`If-Match`, `If-None-Match`)."""

    code = "changed_meanwhile"


class WrongPassword(RiderError):
    """Nobody has this name and this password."""

    code = "wrong_password"


class NotJson(InvalidInput):
    """The body is of another type than JSON."""

    code = "content_type"


#: The first class that fits counts.
_STATUSES: tuple[tuple[type[RiderError], HTTPStatus], ...] = (
    (QueueFull, HTTPStatus.TOO_MANY_REQUESTS),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (ChangedMeanwhile, HTTPStatus.PRECONDITION_FAILED),
    (AlreadyExists, HTTPStatus.CONFLICT),
    (NotJson, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (WrongPassword, HTTPStatus.UNAUTHORIZED),
    (InvalidInput, HTTPStatus.BAD_REQUEST),
    (JobNotFound, HTTPStatus.NOT_FOUND),
    (ScheduleNotFound, HTTPStatus.NOT_FOUND),
    (JobRefused, HTTPStatus.CONFLICT),
    (ModelError, HTTPStatus.CONFLICT),
    (ConfigError, HTTPStatus.BAD_REQUEST),
    (BackendUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (NoAnswer, HTTPStatus.SERVICE_UNAVAILABLE),
    (DatabaseError, HTTPStatus.SERVICE_UNAVAILABLE),
    (PluginError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class WrongField(Message):
    """A field of the request that was refused."""

    field: str = Field(description="its path, such as `payload.text`")
    message: str = Field(description="the rule that it breaks, and its value, shortened")


class Problem(Message):
    """An error, as RFC 9457 has it, with two fields of our own: `code` and `remedy`."""

    type: str = Field(description="a URI for each `code`")
    title: str = Field(description="of the status")
    status: int
    detail: str = Field(description="what was wrong, with the value")
    code: str = Field(description="a name from a closed list, for programs")
    remedy: str | None = Field(None, description="what to do about it")
    fields: tuple[WrongField, ...] = Field((), description=f"the first {MAX_FIELDS} fields that were refused")


def problem_body(
    status: int, code: str, detail: str, remedy: str | None = None, fields: tuple[WrongField, ...] = ()
) -> bytes:
    """The JSON of a problem."""
    title = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    problem = Problem(
        type=_TYPE + code, title=title, status=status, detail=detail, code=code, remedy=remedy, fields=fields
    )
    return json.dumps(problem.model_dump(mode="json")).encode()  # ASCII: a surrogate of a refused text is no UTF-8


def explain(error: RiderError) -> Response:
    """The answer to one of our errors."""
    REFUSED.labels("web", error.code).inc()
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    response = _response(status, problem_body(status, error.code, error.message, error.remedy))
    if isinstance(error, QueueFull):
        response.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return response


def explain_validation(error: ValidationError) -> Response:
    """The answer to a request that does not fit its schema."""
    REFUSED.labels("web", InvalidInput.code).inc()
    fields = tuple(
        WrongField(field=".".join(map(str, problem["loc"])), message=_rule(problem))
        for problem in error.errors(include_url=False)[:MAX_FIELDS]
    )
    others = error.error_count() - 1
    detail = f"{fields[0].field or 'the message'}: {fields[0].message}" + (f", and {others} more" if others else "")
    body = problem_body(HTTPStatus.BAD_REQUEST, InvalidInput.code, detail, fields=fields)
    return _response(HTTPStatus.BAD_REQUEST, body)


def explain_http(error: HTTPException) -> Response:
    """The answer to an HTTP error of Flask, such as an unknown address."""
    status = error.code or 500
    codes = {404: NotFound.code, 405: "method", 413: TooLarge.code, 500: "error"}
    response = _response(status, problem_body(status, codes.get(status, "http"), error.description or error.name))
    if "Allow" in dict(error.get_headers()):
        response.headers["Allow"] = dict(error.get_headers())["Allow"]
    return response


def _rule(problem: ErrorDetails) -> str:
    """The rule that a field breaks, with its value: not that of a secret, and of an unknown field only its name."""
    if problem["type"] == "missing":
        return "it is missing"
    if problem["type"] == "extra_forbidden":
        return "there is no such field"
    if any(is_secret(str(part)) for part in problem["loc"]):
        return problem["msg"]
    return f"{problem['msg']}, got {shorten(problem['input'])}"


def _response(status: int, body: bytes) -> Response:
    return Response(body, status=status, content_type=CONTENT_TYPE)
