"""The event bus: events of all processes and of single jobs, on Redis streams."""

from rider_core.eventbus.bus import EventBus
from rider_core.eventbus.codec import decode_events, encode_event

__all__ = ["EventBus", "decode_events", "encode_event"]
