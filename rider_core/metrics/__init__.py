"""All Prometheus metrics. Label values come from closed lists: input of a robot never becomes a label value."""

from rider_core.metrics.definitions import (
    ANSWER_CACHE,
    ANSWERS,
    BLIND,
    BREAKER_TRIPS,
    EVENTS_DROPPED,
    FRAMES,
    LINK_DROPPED,
    LINK_RECEIVED,
    LINK_RECEIVED_BYTES,
    LINK_SENT,
    REFUSED,
    ROBOT_CALLS,
    UTTERANCES,
)
from rider_core.metrics.exposition import exposition

__all__ = [
    "ANSWERS",
    "ANSWER_CACHE",
    "BLIND",
    "BREAKER_TRIPS",
    "EVENTS_DROPPED",
    "FRAMES",
    "LINK_DROPPED",
    "LINK_RECEIVED",
    "LINK_RECEIVED_BYTES",
    "LINK_SENT",
    "REFUSED",
    "ROBOT_CALLS",
    "UTTERANCES",
    "exposition",
]
