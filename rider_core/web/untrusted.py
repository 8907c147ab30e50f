"""Reads fields of untrusted events: of the right type, finite, and limited in length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rider_core.api import JobProblem

#: Maximum length of a text on the panel, in characters. The whole text is in the job's result.
MAX_TEXT = 600
MAX_NAME = 80
MAX_LIST = 16

Data = Mapping[str, Any]


def text(data: Data, key: str, limit: int = MAX_TEXT) -> str:
    """A string of at most `limit` characters; empty if the field is missing or not a string."""
    value = data.get(key)
    if not isinstance(value, str):
        return ""
    return value if len(value) <= limit else value[: limit - 1] + "…"


def name(data: Data, key: str) -> str:
    return text(data, key, MAX_NAME)


def number(data: Data, key: str) -> float | None:
    """A finite number, or None. NaN and infinity are not JSON: a browser would refuse the whole message."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer of thousands of digits
        return None


def flag(data: Data, key: str) -> bool | None:
    value = data.get(key)
    return value if isinstance(value, bool) else None


def names(data: Data, key: str, limit: int = MAX_NAME) -> list[str]:
    """At most `MAX_LIST` short strings."""
    value = data.get(key)
    if not isinstance(value, list):
        return []
    return [text({"": item}, "", limit) for item in value[:MAX_LIST] if isinstance(item, str)]


def mappings(data: Data, key: str) -> list[Data]:
    """At most `MAX_LIST` objects."""
    value = data.get(key)
    return [item for item in value[:MAX_LIST] if isinstance(item, dict)] if isinstance(value, list) else []


def problem(data: Data) -> JobProblem | None:
    """Why a job did not succeed, from a job event's data."""
    value = data.get("problem")
    if not isinstance(value, dict):
        return None
    return JobProblem(code=name(value, "code"), message=text(value, "message"), remedy=text(value, "remedy") or None)
