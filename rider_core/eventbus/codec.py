"""Encoding of events in a Redis stream: one field, `event`, in JSON. The job store's Redis functions write the same.

An entry may have several events, each on a line of its own: JSON has line breaks between tokens only.
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
    """The events in an entry. Malformed ones are left out: other programs may write to the stream."""
    events = []
    for line in fields.get(FIELD, b"").split(b"\n"):
        with suppress(ValidationError):
            events.append(Event.model_validate_json(line))
    return events
