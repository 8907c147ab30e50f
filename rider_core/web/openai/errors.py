"""Errors in OpenAI's format: JSON, and the HTTP status from which a client creates its exception.

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

#: Every path below has errors in this format, also those of the security middleware.
PREFIX = "/v1/"

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
#: Tells OpenAI's clients that a retry would fail in the same way. Without it they retry twice.
_NO_RETRY = {"x-should-retry": "false"}
#: `cause` of a failed job whose request was wrong, and of one whose provider is not available.
_WRONG_REQUEST = frozenset({InvalidInput.code, TooLarge.code})
_MISSING = frozenset({ProviderUnavailable.code, ModelError.code, ConfigError.code})


class WrongParameter(InvalidInput):
    """A parameter of the request is wrong or not supported.

    Attributes:
        param: Its name, such as `messages[0].content`.
        reason: OpenAI's error code: invalid_value, unsupported_value, unsupported_parameter, ...
    """

    def __init__(
        self, message: str, param: str, *, reason: str = "unsupported_value", remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.param = param
        self.reason = reason


class ModelNotFound(WrongParameter):
    """No provider has a model of that name."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message, "model", reason="model_not_found", remedy=remedy)


@dataclass(frozen=True)
class ErrorResponse:
    """The HTTP response for an error.

    Attributes:
        status: The HTTP status.
        body: The JSON object.
        headers: Additional headers.
    """

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def error_body(message: str, status: int, *, code: str | None, param: str | None = None) -> dict[str, Any]:
    """The JSON object of an error."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_response(error: RiderError) -> ErrorResponse:
    """The HTTP response for one of our errors."""
    status, code = _status_and_code(error)
    param = error.param if isinstance(error, WrongParameter) else None
    headers = {}
    if isinstance(error, QueueFull):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    elif _is_permanent(error):
        headers = _NO_RETRY
    return ErrorResponse(status, error_body(str(error), status, code=code, param=param), headers)


def _status_and_code(error: RiderError) -> tuple[int, str]:
    """HTTP status and OpenAI's code."""
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
    """Whether an immediate retry would fail in the same way. A cancelled job was cancelled on purpose."""
    cause = error.cause if isinstance(error, JobFailed) else error.code
    return isinstance(error, JobCancelled) or cause in _MISSING
