"""A setting's value for people and programs: in JSON's types, without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from rider_core.printable import HIDDEN, is_secret, without_passwords


def shown_settings(values: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """A provider's settings; those that the model has as secrets are hidden, whatever their names are."""
    properties = model.model_json_schema().get("properties", {})
    secret = {name for name, schema in properties.items() if '"password"' in json.dumps(schema)}
    shown: dict[str, Any] = shown_value(values)
    return {name: HIDDEN if value and name in secret else value for name, value in shown.items()}


def has_mask(value: Any) -> bool:
    """Whether a value has what is shown in the place of a secret."""
    if isinstance(value, str):
        return HIDDEN in value
    if isinstance(value, Mapping):
        return any(map(has_mask, value.values()))
    return isinstance(value, (list, tuple)) and any(map(has_mask, value))


def shown_value(value: Any) -> Any:
    """The value in JSON's types; passwords and keys in it are `HIDDEN`."""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: HIDDEN if it and _is_hidden(key, it) else shown_value(it) for key, it in value.items()}
    if isinstance(value, (tuple, list)):
        return [shown_value(it) for it in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return without_passwords(str(value))


def _is_hidden(name: str, value: Any) -> bool:
    """A number of tokens is that of a language model's, and no key."""
    is_count = name.lower().endswith("tokens") and isinstance(value, (int, float))
    return is_secret(name) and not is_count
