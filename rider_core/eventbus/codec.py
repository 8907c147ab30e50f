"""How events lie in a Redis stream: one field, `event`, in JSON. The ledger's functions write the same.

An entry of the house's stream may have several, each on a line of its own (JSON has no line breaks but between tokens).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from rider_core.api.events import Event

FIELD = b"event"


def encode_event(event: Event) -> dict[Any, Any]:
    return {FIELD: event.model_dump_json().encode()}


def decode_events(fields: Mapping[bytes, bytes]) -> list[Event]:
    """The events in an entry. What is none is left out: the stream is shared, and a stranger may write into it."""
    events = []
    for line in fields.get(FIELD, b"").split(b"\n"):
        with suppress(ValidationError):
            events.append(Event.model_validate_json(line))
    return events
