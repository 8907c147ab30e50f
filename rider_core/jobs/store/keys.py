"""Keys and channels of the job store, and its limits. What begins with `rq:` is RQ's own, as RQ 3.0.0 has it.

A lane is what RQ calls a queue: one of our queues at one priority.
"""

from __future__ import annotations

from rider_core.api.events import JOB_STREAM_TTL_S
from rider_core.api.jobs import Priority
from rider_core.redis_functions import Key

#: Lifetime of a finished job and its result, in seconds.
RESULT_TTL_S = 600
#: Size in bytes above which the data of a job is deleted when it is done or discarded: ten minutes of a camera's
#: pictures would be hundreds of megabytes.
LONG_DATA_BYTES = 16_384
#: Lifetime of a dead letter in seconds, and the largest number of them in one lane; older ones make room.
DEAD_LETTER_TTL_S = 7 * 86_400
DEAD_LETTERS_KEPT = 20_000
#: Lifetime of the pointer to the newest job of a coalescing key, in seconds: longer than any delay of a retry.
COALESCING_TTL_S = 86_400
#: Time in seconds after which an idle worker that was not heard of gets no job by direct dispatch any more.
DISPATCH_TTL_S = 60
#: Lifetime of RQ's record of what a worker works on, after its last heartbeat, in seconds.
EXECUTION_TTL_S = 40
#: Largest number of waiting jobs in one lane, and of scheduled ones.
MAX_WAITING = 200_000
#: Largest size in bytes of a record that is sent with the message of a job's end, or of data in a direct dispatch.
MAX_NOTIFIED_BYTES = 16_384
#: Length of the list of the jobs that ended last.
RECENT_LENGTH = 200
#: Upper bounds of the histograms' buckets in ms: from a no-op to the longest attempt that is allowed.
BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 120_000)

_UNTIL_END = f"{RESULT_TTL_S} s after the job's end; as a dead letter {DEAD_LETTER_TTL_S // 86_400} days"
_FOREVER = "kept"

job_key = Key("job_key", "rq:job:{id}", "hash", _UNTIL_END, "a job: RQ's fields, and ours")
queue_key = Key("queue_key", "rq:queue:{lane}", "list", "while jobs wait", "ids of waiting jobs, with RQ's lists")
started_key = Key("started_key", "rq:wip:{lane}", "sorted set", "while jobs run", "leases: `ID:EXECUTION` by their end")
scheduled_key = Key("scheduled_key", "rq:scheduled:{lane}", "sorted set", "while jobs wait", "ids by their due time")
failed_key = Key("failed_key", "rq:failed:{lane}", "sorted set", _FOREVER, "dead letters by the time they expire")
finished_key = Key("finished_key", "rq:finished:{lane}", "sorted set", _FOREVER, "done jobs by the time they expire")
canceled_key = Key(
    "canceled_key", "rq:canceled:{lane}", "sorted set", _FOREVER, "discarded jobs by the time they expire"
)
results_key = Key("results_key", "rq:results:{id}", "stream", "with its dead letter", "tracebacks, for RQ's tools")
queues_key = Key("queues_key", "rq:queues", "set", _FOREVER, "the names of lanes, for RQ's tools")
suspended_key = Key("suspended_key", "rq:suspended", "string", "while `rq suspend` holds", "workers take nothing")
paused_key = Key(
    "paused_key", "rider:paused", "set", "while a queue is paused", "queues whose jobs workers leave alone"
)
worker_key = Key("worker_key", "rq:worker:{worker}", "hash", "90 s after its last heartbeat", "RQ's record of a worker")
executions_key = Key(
    "executions_key", "rq:worker:{worker}:executions", "set", f"{EXECUTION_TTL_S} s", "what a worker works on"
)
execution_key = Key(
    "execution_key", "rq:execution:{member}", "hash", f"{EXECUTION_TTL_S} s", "RQ's record of one attempt"
)
items_key = Key("items_key", "rider:items:{id}", "list", _UNTIL_END, "chunks of a batch's items (`batch_chunks.py`)")
published_key = Key(
    "published_key", "rider:waiting:{lane}", "sorted set", "while jobs wait", "with a broker: ids by publication time"
)
metrics_key = Key("metrics_key", "rider:metrics:{task}", "hash", _FOREVER, "counters and histograms of a task")
recent_key = Key("recent_key", "rider:recent", "list", _FOREVER, f"the last {RECENT_LENGTH} jobs that ended")
coalescing_pointer = Key(
    "coalescing_pointer",
    "rider:coalescing:{queue}:{key}",
    "string",
    f"{COALESCING_TTL_S // 3600} h",
    "id of the newest job of a coalescing key",
)
idle_workers_key = Key(
    "idle_workers_key", "rider:idle:{queue}", "set", f"{DISPATCH_TTL_S} s", "workers that accept direct dispatch"
)
dispatch_key = Key(
    "dispatch_key",
    "rider:dispatch:{worker}",
    "string, and channel",
    f"{DISPATCH_TTL_S} s",
    "the lease that an idle worker offers; the job is published to it",
)
events_key = Key("events_key", "rider:events", "stream", _FOREVER, "events of all processes")
job_events_key = Key(
    "job_events_key", "rider:job:{id}:events", "stream", f"{JOB_STREAM_TTL_S} s", "events of a streaming job"
)
ended_channel = Key("ended_channel", "rider:ended:{id}", "channel", "", "the record of a job that ends")
wake_up_channel = Key(
    "wake_up_channel", "rider:wakeup:{queue}", "channel", "", "wakes workers: an empty lane has a job"
)
cancel_channel = Key("cancel_channel", "rider:cancel:{worker}", "channel", "", "ids of cancelled jobs that it runs")

KEYS: tuple[Key, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Key))


def lane_of(queue: str, priority: Priority) -> str:
    """The lane of a queue's jobs of one priority; that of the normal one has the queue's plain name."""
    return queue if priority is Priority.NORMAL else f"{queue}-{priority.value}"


def lanes_of(queue: str) -> list[str]:
    """All lanes of a queue, the most urgent first."""
    return [lane_of(queue, priority) for priority in (Priority.HIGH, Priority.NORMAL, Priority.LOW)]
