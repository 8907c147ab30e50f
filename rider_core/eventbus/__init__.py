"""The event bus: who did what, on Redis streams, for everyone who shows or forwards something."""

from rider_core.eventbus.bus import EventBus
from rider_core.eventbus.codec import decode_events, encode_event

__all__ = ["EventBus", "decode_events", "encode_event"]
