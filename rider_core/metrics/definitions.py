"""All metrics of Rider-PC. `docs/metrics.md` shows them; a test holds it against this file.

Names follow the Prometheus conventions: base units, `_total` for counters. Label values come from closed lists, or are
names of installed providers: input of a robot never becomes a label value.
"""

from __future__ import annotations

from itertools import product

from prometheus_client import disable_created_metrics

from rider_core.metrics.families import counter, each, family, gauge, histogram
from rider_core.metrics.files import share_values, share_values_after_fork

#: This process among those that share their values; None: it shares nothing.
_membership = share_values()  # before the first metric is created
# A time for each counter would double a scrape, and says no more than the process's start.
disable_created_metrics()  # type: ignore[no-untyped-call]


_role = "rider"


def name_process(role: str) -> None:
    """Set what a process that shares nothing is called, such as a panel that was started by itself."""
    global _role
    _role = role


def process_name() -> str:
    """Value of the label `process` for this process."""
    return _membership.name if _membership is not None else _role


def shares_values() -> bool:
    """Whether this process's values are in the files that all processes of one `rider up` share."""
    return _membership is not None


def outlive_exec() -> None:
    """Let the program that replaces this one count as this process."""
    if _membership is not None:
        _membership.outlive_exec()


def count_as_forked() -> None:
    """In a forked process: share its values under its own name. The variable `RIDER_PROCESS` has it."""
    global _membership
    if _membership is not None:
        _membership = share_values_after_fork(_membership)
        _count_restart()


def _count_restart() -> None:
    if _membership is not None:
        PROCESS_RESTARTS.labels(_membership.name).inc(_membership.restarted)


#: Value of the label `robot`. A gauge without labels would be 0 in the files of every process.
ROBOT = "rider-pi"
_DOMAINS = ("voice", "vision", "text")
#: Upper bounds of the buckets of durations in seconds: of engines, of calls over the network, and of a conversation.
ENGINE_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 120)
CALL_BOUNDS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3)
TURN_BOUNDS_S = (0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15)
FRAME_BOUNDS_S = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5)

# Input and events, counted where they are refused or dropped.
REFUSED = counter(
    "rider_refused_total",
    "Input that was refused. where: link, worker or web; code: class of the error.",
    ("where", "code"),
    start=product(("link", "worker", "web"), ("invalid_input", "too_large")),
)
EVENTS_DROPPED = counter(
    "rider_events_dropped_total",
    "Events that were trimmed away, or found a full queue, before this listener read them.",
    ("listener",),
    start=each("panel", "history", "plugins", "kept jobs", "link"),
)
JOBS_KEPT = counter(
    "rider_jobs_kept_total",
    "Files of ended jobs for the panel. outcome: kept, failed (the disk), too_many, gone or unusable.",
    ("outcome",),
    start=each("kept", "failed", "too_many", "gone", "unusable"),
)

# Jobs, read from the job store at each scrape.
JOBS = family("rider_jobs", "gauge", "Jobs now. state: waiting, scheduled, running or failed.", ("queue", "state"))
JOBS_OLDEST = family(
    "rider_jobs_oldest_seconds", "gauge", "How long the oldest waiting job has waited; 0: none waits.", ("queue",)
)
WORKERS = family("rider_workers", "gauge", "Live workers that serve a queue.", ("queue",))
JOB_EVENTS = family("rider_job_events_total", "counter", "What happened to jobs.", ("task", "queue", "event"))
JOB_WAITED = family(
    "rider_job_waited_seconds",
    "histogram",
    "From a job's submission, or its due time, to its first start.",
    ("task", "queue"),
)
JOB_RAN = family("rider_job_ran_seconds", "histogram", "From each start of a job to its end.", ("task", "queue"))
JOB_TOOK = family("rider_job_took_seconds", "histogram", "From a job's submission to its result.", ("task", "queue"))

# Schedules.
SCHEDULES = family("rider_schedules", "gauge", "Schedules. state: active or inactive (paused, or broken).", ("state",))
SCHEDULES_DUE = family("rider_schedules_due", "gauge", "Schedules whose due time has come and whose job has not.")
SCHEDULE_RUNS = counter(
    "rider_schedule_runs_total",
    "Due times that passed. outcome: on_time, late (more than a second) or missed (no job).",
    ("outcome",),
    start=each("on_time", "late", "missed"),
)
SCHEDULER_BEAT = gauge(
    "rider_scheduler_heartbeat_timestamp_seconds", "When a scheduler last looked for due jobs.", ("process",)
)

# Circuit breakers and engines, in the workers.
BREAKER_STATE = gauge(
    "rider_breaker_state",
    "A provider's circuit breaker. 0: closed; 1: half open, one job decides; 2: open, the provider is not called.",
    ("provider",),
    merge="livemax",
)
BREAKER_TRIPS = counter(
    "rider_breaker_trips_total", "How often a worker saw the circuit breaker of a provider open.", ("provider",)
)
PROVIDER_CALLS = histogram(
    "rider_provider_call_seconds",
    "Calls of an engine that succeeded, one for each job, or for each group of jobs that ran together.",
    ("task", "provider"),
    bounds=ENGINE_BOUNDS_S,
)
PROVIDER_FAILURES = counter("rider_provider_failures_total", "Jobs that a provider could not do.", ("task", "provider"))
TOKENS = counter(
    "rider_tokens_total",
    "Tokens of language models, without answers from the cache. kind: prompt or completion.",
    ("provider", "kind"),
)
AUDIO_SECONDS = counter(
    "rider_audio_seconds_total", "Seconds of sound that were transcribed or synthesized.", ("task", "provider")
)
ENGINE_OPENINGS = counter(
    "rider_engine_openings_total",
    "Engines that were opened, with their models. outcome: opened or failed.",
    ("provider", "outcome"),
)
ENGINE_CLOSINGS = counter("rider_engine_closings_total", "Engines that were closed, with their models.", ("provider",))
ENGINE_OPENED_IN = gauge(
    "rider_engine_opening_seconds", "How long the last opening of an engine took.", ("provider",), merge="livemax"
)
MODEL_BYTES = gauge("rider_loaded_model_bytes", "Size of the model files that open engines have.", ("provider",))

# The cache of answers.
ANSWER_CACHE = counter(
    "rider_answer_cache_total",
    "The cache of language models' answers. outcome: hit, miss, stored, evicted or error.",
    ("outcome",),
    start=each("hit", "miss", "stored", "evicted", "error"),
)
ANSWER_CACHE_BYTES = gauge("rider_answer_cache_bytes", "Bytes of all cached answers.", merge="livemax")
ANSWER_CACHE_LIMIT = gauge(
    "rider_answer_cache_limit_bytes", "Limit of the bytes of all cached answers.", merge="livemax"
)

# The link to the robot.
LINK_UP = gauge(
    "rider_link_up", "Whether the robot is reached. channel: bus (both directions) or http.", ("robot", "channel")
)
LINK_RECEIVED = counter("rider_link_received_total", "Messages taken from the robot's bus.", ("topic",))
LINK_RECEIVED_BYTES = counter("rider_link_received_bytes_total", "Bytes taken from the robot's bus.", ("topic",))
LINK_SENT = counter("rider_link_sent_total", "Messages that the robot's broker passed on.", ("topic",))
LINK_DROPPED = counter(
    "rider_link_dropped_total",
    "What the link dropped. what: message, utterance, result, frame, object or own_speech (the robot's own voice).",
    ("what",),
    start=each("message", "utterance", "result", "frame", "object", "own_speech"),
)
ROBOT_CALLS = counter(
    "rider_robot_calls_total",
    "HTTP calls to the robot. call: heartbeat, state, ai_mode or switch; outcome: ok or failed.",
    ("call", "outcome"),
    start=product(("heartbeat", "state", "ai_mode", "switch"), ("ok", "failed")),
)
ROBOT_CALL_SECONDS = histogram(
    "rider_robot_call_seconds",
    "Round trip of an HTTP call that the robot answered.",
    ("call",),
    bounds=CALL_BOUNDS_S,
    start=each("heartbeat", "state", "ai_mode", "switch"),
)
HEARTBEAT = gauge("rider_link_heartbeat_timestamp_seconds", "When the robot last answered our heartbeat.", ("robot",))
DOMAIN_OWNER = gauge(
    "rider_domain_owner",
    "1: this side serves the domain. owner: pc or local (the robot).",
    ("robot", "domain", "owner"),
)
FAILOVERS = counter(
    "rider_failovers_total",
    "How often a domain went from the PC to the robot. reason: bus (it is down), workers (none can do it, or Redis is"
    " away), results (late, missing or failed), other_domain, end (of the link) or robot (it fell back by itself).",
    ("domain", "reason"),
    start=product(_DOMAINS, ("bus", "workers", "results", "other_domain", "end", "robot")),
)
CLOCK_OFFSET = gauge(
    "rider_robot_clock_offset_seconds",
    "The robot's clock minus ours, by its last frame, the time on the way included.",
    ("robot",),
)
BATTERY = gauge("rider_robot_battery_ratio", "Charge of the robot's battery, from 0 to 1.", ("robot",))

# Voice, vision and text of the robot.
UTTERANCES = counter(
    "rider_utterances_total",
    "Utterances cut out of the robot's microphone stream. outcome: recognised, no_speech, too_short, broken_off,"
    " too_many, refused, late or failed.",
    ("outcome",),
    start=each("recognised", "no_speech", "too_short", "broken_off", "too_many", "refused", "late", "failed"),
)
UTTERANCE_SECONDS = histogram(
    "rider_utterance_seconds",
    "From the end of speech to a later step. step: heard (its end was certain), queued, started (by a worker), done,"
    " delivered (the robot has the words) or answered (the first sound of the spoken answer was sent).",
    ("step",),
    bounds=TURN_BOUNDS_S,
    start=each("heard", "queued", "started", "done", "delivered", "answered"),
)
ANSWERS = counter(
    "rider_answers_total",
    "Spoken answers. outcome: spoken, interrupted or failed.",
    ("outcome",),
    start=each("spoken", "interrupted", "failed"),
)
FRAMES = counter(
    "rider_frames_total",
    "Frames of the robot's camera. outcome: seen, replaced, repeated, frozen, expired, failed or unwanted.",
    ("outcome",),
    start=each("seen", "replaced", "repeated", "frozen", "expired", "failed", "unwanted"),
)
FRAME_AGE = histogram(
    "rider_frame_age_seconds",
    "Age of a frame of the robot's camera when its result leaves, or when it is given up.",
    bounds=FRAME_BOUNDS_S,
)
BLIND = counter(
    "rider_blind_total",
    "How often the link reported vision lost. why: no_frame, no_answer, stale, blank or unattended"
    " (`link/vision_monitor.py`).",
    ("why",),
    start=each("no_frame", "no_answer", "stale", "blank", "unattended"),
)

# Redis, the database, and the machine, read at each scrape.
EVENT_STREAM = family("rider_event_stream_length", "gauge", "Entries in the stream of all processes' events.")
REDIS_UP = family("rider_redis_up", "gauge", "Whether Redis answers.")
REDIS_BYTES = family("rider_redis_memory_bytes", "gauge", "Memory that Redis has allocated.")
REDIS_LIMIT = family("rider_redis_memory_limit_bytes", "gauge", "Limit of that memory; 0: none.")
DATABASE_BYTES = family("rider_database_bytes", "gauge", "Size of the database.")
DISK_FREE = family("rider_disk_free_bytes", "gauge", "Free space on the disk of the data folder.")
DISK_SIZE = family("rider_disk_size_bytes", "gauge", "Size of the disk of the data folder.")
MACHINE_MEMORY = family("rider_machine_memory_bytes", "gauge", "Memory of this machine.")
GPU_BUSY = family("rider_gpu_utilization_ratio", "gauge", "Share of the last second in which a GPU was busy.", ("gpu",))
GPU_MEMORY = family("rider_gpu_memory_used_bytes", "gauge", "Memory of a GPU that is in use, by any program.", ("gpu",))
GPU_MEMORY_SIZE = family("rider_gpu_memory_bytes", "gauge", "Memory of a GPU.", ("gpu",))
GPU_TEMPERATURE = family("rider_gpu_temperature_celsius", "gauge", "Temperature of a GPU.", ("gpu",))
BUILD = family("rider_build_info", "gauge", "1; the versions are labels.", ("version", "python"))

# The processes of this machine, after the client's own names, read at each scrape.
PROCESS_UP = family("rider_process_up", "gauge", "Whether a process lives.", ("process",))
PROCESS_CPU = family("rider_process_cpu_seconds_total", "counter", "Processor time, user and system.", ("process",))
PROCESS_RESIDENT = family(
    "rider_process_resident_memory_bytes", "gauge", "Resident memory, mapped model files included.", ("process",)
)
PROCESS_LIMIT = gauge(
    "rider_process_memory_limit_bytes",
    "Limit of a process's own memory: a worker beyond it is restarted after its job.",
    ("process",),
    merge="livemax",
)
PROCESS_OWN = family("rider_process_own_memory_bytes", "gauge", "Resident memory without mapped files.", ("process",))
PROCESS_FILES = family("rider_process_open_fds", "gauge", "Open file descriptors.", ("process",))
PROCESS_THREADS = family("rider_process_threads", "gauge", "Threads.", ("process",))
PROCESS_START = family("rider_process_start_time_seconds", "gauge", "When a process started.", ("process",))
PROCESS_RESTARTS = counter(
    "rider_process_restarts_total", "Starts of a process after the first one of this `rider up`.", ("process",)
)
_count_restart()
