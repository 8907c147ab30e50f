"""Errors as OpenAI's clients know them: JSON in one form, and the status from which a client makes its exception.

https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from rider_core.errors import (
    BackendUnavailable,
    ConfigError,
    InvalidInput,
    JobCancelled,
    JobExpired,
    JobFailed,
    ModelError,
    ProviderUnavailable,
    QueueFull,
    RiderError,
    TooLarge,
    WaitTimeout,
)

#: Every path below is answered in this form, refusals at the gate included.
PREFIX = "/v1/"

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
#: Says to OpenAI's clients that the same request would fail in the same way: they try twice more otherwise.
_NO_RETRY = {"x-should-retry": "false"}
#: `cause` of a failed job whose request was wrong, and of one whose engine is not there.
_WRONG_REQUEST = frozenset({InvalidInput.code, TooLarge.code})
_MISSING = frozenset({ProviderUnavailable.code, ModelError.code, ConfigError.code})


class WrongParameter(InvalidInput):
    """A parameter of the request cannot be honoured.

    Attributes:
        param: Its name, such as `messages[0].content`.
        reason: OpenAI's word for what is wrong: invalid_value, unsupported_value, unsupported_parameter, ...
    """

    def __init__(
        self, message: str, param: str, *, reason: str = "unsupported_value", remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.param = param
        self.reason = reason


class ModelNotFound(WrongParameter):
    """Nobody here has a model of that name."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message, "model", reason="model_not_found", remedy=remedy)


@dataclass(frozen=True)
class ErrorResponse:
    """What is sent for an error.

    Attributes:
        status: Of HTTP.
        body: The JSON object.
        headers: More headers than the usual ones.
    """

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def error_body(message: str, status: int, *, code: str | None, param: str | None = None) -> dict[str, Any]:
    """The JSON object of an error."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_response(error: RiderError) -> ErrorResponse:
    """What a client is told of an error of ours."""
    status, code = _status_and_code(error)
    param = error.param if isinstance(error, WrongParameter) else None
    headers = {}
    if isinstance(error, QueueFull):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    elif _is_permanent(error):
        headers = _NO_RETRY
    return ErrorResponse(status, error_body(str(error), status, code=code, param=param), headers)


def _status_and_code(error: RiderError) -> tuple[int, str]:
    """Status and code."""
    cause = error.cause if isinstance(error, JobFailed) else error.code
    if isinstance(error, ModelNotFound):
        return 404, error.reason
    if isinstance(error, WrongParameter):
        return 400, error.reason
    if isinstance(error, QueueFull):
        return 429, "rate_limit_exceeded"
    if isinstance(error, WaitTimeout):
        return 504, cause
    if isinstance(error, BackendUnavailable | JobExpired) or cause in _MISSING:
        return 503, cause
    if isinstance(error, TooLarge):
        return 413, cause
    if cause in _WRONG_REQUEST:
        return 400, cause
    return 500, cause


def _is_permanent(error: RiderError) -> bool:
    """Whether asking again at once would end in the same way. A cancelled job somebody did not want."""
    cause = error.cause if isinstance(error, JobFailed) else error.code
    return isinstance(error, JobCancelled) or cause in _MISSING
