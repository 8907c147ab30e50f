"""Validates bodies and forms. Errors name the wrong parameter, as OpenAI's own do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rider_core.api.messages import MessageT, check_json_parts, shorten
from rider_core.errors import TooLarge
from rider_core.web.openai.errors import WrongParameter


def parse_body(model: type[MessageT], data: bytes) -> MessageT:
    """A JSON body as a `model`.

    Raises:
        WrongParameter: it is not JSON, or does not fit.
    """
    try:
        check_json_parts(data)
        return model.model_validate_json(data)
    except TooLarge as error:
        raise WrongParameter(error.message, "", reason="invalid_json") from None
    except ValidationError as error:
        raise _wrong(error) from None


def parse_fields(model: type[MessageT], fields: Mapping[str, Any]) -> MessageT:
    """The fields of a form, or of another request, as a `model`. Raises `WrongParameter`."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise _wrong(error) from None


def refuse_unless(fields: Mapping[str, Any], neutral: Mapping[str, Sequence[Any]], remedy: str) -> None:
    """Refuse unsupported parameters, unless their value leaves the answer unchanged.

    Args:
        neutral: The parameters, each with the values that change nothing. null changes nothing for all of them.

    Raises:
        WrongParameter: naming the first.
    """
    for name, values in neutral.items():
        value = fields.get(name)
        if value is not None and value not in values:
            raise WrongParameter(
                f"{name} is {shorten(value)}, which no engine here can honour", name, remedy=f"leave it out; {remedy}"
            )


def _wrong(error: ValidationError) -> WrongParameter:
    """The first problem of several."""
    problem = error.errors(include_url=False)[0]
    param = _dotted(problem["loc"])
    if problem["type"] == "json_invalid":
        return WrongParameter(f"the body is not JSON: {problem['msg']}", "", reason="invalid_json")
    if problem["type"] == "missing":
        return WrongParameter(f"{param} is missing", param, reason="missing_required_parameter")
    message = f"{param or 'the body'}: {problem['msg']}, got {shorten(problem['input'])}"
    return WrongParameter(message, param, reason="invalid_value")


def _dotted(location: Sequence[int | str]) -> str:
    """`messages[0].content`. The names that pydantic adds for the members of a union are left out."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier():
            text += f".{part}" if text else part
        else:
            break
    return text
