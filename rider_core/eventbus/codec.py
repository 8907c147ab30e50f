"""How an event lies in a Redis stream: one field, `event`, in JSON. The RQ adapter's Lua scripts write the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rider_core.api.events import Event

FIELD = b"event"


def encode_event(event: Event) -> dict[Any, Any]:
    return {FIELD: event.model_dump_json().encode()}


def decode_event(fields: Mapping[bytes, bytes]) -> Event | None:
    """The event, or None where the entry is not one: the stream is shared, and a stranger may write into it."""
    try:
        return Event.model_validate_json(fields.get(FIELD, b""))
    except ValidationError:
        return None
