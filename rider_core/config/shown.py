"""A setting's value for people and programs: in JSON's types, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from rider_core.printable import HIDDEN, is_secret, without_passwords


def shown_value(value: Any) -> Any:
    """The value in JSON's types; passwords and keys in it are `HIDDEN`."""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: HIDDEN if it and is_secret(key) else shown_value(it) for key, it in value.items()}
    if isinstance(value, (tuple, list)):
        return [shown_value(it) for it in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return without_passwords(str(value))
