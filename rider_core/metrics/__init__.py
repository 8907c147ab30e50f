"""Every metric of the house, defined once. Label values come from closed lists: nothing a robot sends becomes one."""

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
