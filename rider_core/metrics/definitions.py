"""The metrics' definitions. Names follow the Prometheus conventions: base units, `_total` for counters."""

from __future__ import annotations

from prometheus_client import Counter

from rider_core.metrics.files import use_preallocated_files

use_preallocated_files()  # before the first metric is created

REFUSED = Counter(
    "rider_refused_total",
    "Input that was refused. where: link, worker, web or submit; code: class of the error.",
    ["where", "code"],
)
BREAKER_TRIPS = Counter(
    "rider_breaker_trips_total", "How often a worker saw the circuit breaker of a provider open.", ["provider"]
)
EVENTS_DROPPED = Counter(
    "rider_events_dropped_total", "Events that were trimmed away before this listener read them.", ["listener"]
)
ANSWER_CACHE = Counter(
    "rider_answer_cache_total",
    "The cache of language models' answers. outcome: hit, miss, stored, evicted or error.",
    ["outcome"],
)
LINK_RECEIVED = Counter("rider_link_received_total", "Messages taken from the robot's bus.", ["topic"])
LINK_RECEIVED_BYTES = Counter("rider_link_received_bytes_total", "Bytes taken from the robot's bus.", ["topic"])
LINK_SENT = Counter("rider_link_sent_total", "Messages that the robot's broker passed on.", ["topic"])
LINK_DROPPED = Counter(
    "rider_link_dropped_total",
    "What the link dropped. what: message, utterance, result, frame, object or own_speech (the robot's own voice).",
    ["what"],
)
ROBOT_CALLS = Counter("rider_robot_calls_total", "HTTP calls to the robot.", ["call", "outcome"])
UTTERANCES = Counter("rider_utterances_total", "Utterances cut out of the robot's microphone stream.", ["outcome"])
ANSWERS = Counter("rider_answers_total", "Spoken answers. outcome: spoken, interrupted or failed.", ["outcome"])
FRAMES = Counter(
    "rider_frames_total",
    "Frames of the robot's camera. outcome: seen, replaced, repeated, frozen, expired, failed or unwanted.",
    ["outcome"],
)
BLIND = Counter(
    "rider_blind_total",
    "How often the link reported vision lost. why: no_frame, no_answer, stale, blank or unattended"
    " (`link/vision_monitor.py`).",
    ["why"],
)
