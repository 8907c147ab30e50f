"""Base of all JSON messages: strict models, error texts, and base64 with a size limit."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rider_core.errors import InvalidInput, TooLarge

#: Limit of quotation marks, brackets and commas in a JSON text. A conversation of 10,000 turns has 120,000.
MAX_JSON_PARTS = 200_000
_JSON_MARKS = (b'"', b"[", b"{", b",")

MessageT = TypeVar("MessageT", bound="Message")
ResultT = TypeVar("ResultT", bound="Result")


class Message(BaseModel):
    """Base of requests and results. Unknown keys are refused, and so are NaN and infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Result(Message):
    """Base of a provider's results. The worker sets both fields, so that results of mocks are marked everywhere."""

    provider: str = Field("", description="name of the provider that made it")
    mock: bool = Field(False, description="made by a mock provider")


def parse_message(model: type[MessageT], data: Any) -> MessageT:
    """`data` as a `model`.

    Raises:
        InvalidInput: it does not fit; the message names the first offending field and its value, shortened.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(first_problem(error, model)) from None


def parse_json(model: type[MessageT], data: bytes) -> MessageT:
    """JSON as a `model`: `parse_message` for undecoded JSON.

    Raises:
        InvalidInput: it is not JSON, or does not fit.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise InvalidInput(first_problem(error, model)) from None


def check_json_parts(data: bytes) -> None:
    """Refuse JSON with too many parts before it is decoded: 4 MB of keys take 100 MB in memory.

    For untrusted JSON. A text shorter than `MAX_JSON_PARTS` need not be counted.

    Raises:
        TooLarge: it has more than `MAX_JSON_PARTS`.
    """
    if len(data) > MAX_JSON_PARTS and (parts := sum(map(data.count, _JSON_MARKS))) > MAX_JSON_PARTS:
        raise TooLarge(f"the JSON has {parts} parts, the limit is {MAX_JSON_PARTS}")


def parse_messages(model: type[MessageT], data: Sequence[Any]) -> list[MessageT]:
    """`parse_message` for many in one call, in a third of the time.

    Raises:
        InvalidInput: one does not fit; the message begins with its number, from 0.
    """
    try:
        return list_of(model).validate_python(data)
    except ValidationError as error:
        raise InvalidInput(first_problem(error, model)) from None


@cache
def list_of(model: type[MessageT]) -> TypeAdapter[list[MessageT]]:
    """Validates many of a kind in one call, in a third of the time of single calls."""
    return TypeAdapter(list[model])  # type: ignore[valid-type]  # known when it is called


def first_problem(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """The first problem in one line: the field, the rule, and the value, shortened.

    Args:
        model: Its fields are named where the message has another one.
    """
    problem = error.errors(include_url=False)[0]
    path, rule = problem["loc"], f"{problem['msg']}, got {shorten(problem['input'])}"
    if problem["type"] == "missing":
        rule = "it is missing"
    elif problem["type"] == "extra_forbidden":
        rule = "there is no such field"
        if model is not None and not any(isinstance(part, str) for part in path[:-1]):
            rule += f", only {', '.join(model.model_fields)}"
    others = error.error_count() - 1
    more = f", and {others} more" if others else ""
    return f"{'.'.join(map(str, path)) or 'the message'}: {rule}{more}"


def shorten(value: object, limit: int = 80) -> str:
    """`repr(value)`, cut to `limit` characters without building a large text first."""
    if isinstance(value, str | bytes):
        text = repr(value[:limit]) + ("..." if len(value) > limit else "")
    elif isinstance(value, dict | list | tuple | set):
        text = f"a {type(value).__name__} of {len(value)}"
    else:
        text = repr(value)[:limit]
    return text


def decode_base64(text: str, *, max_bytes: int, name: str) -> bytes:
    """Decodes base64 `text`; the size is checked before decoding.

    Raises:
        TooLarge: more than `max_bytes` would come out.
        InvalidInput: it is not base64.
    """
    size_bytes = len(text) * 3 // 4
    if size_bytes > max_bytes + 2:
        raise TooLarge(f"{name} has {size_bytes} bytes, the limit is {max_bytes}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(f"{name} is not base64: {error}") from None


def encode_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
