"""Names of keys and lanes. Those that begin with `rq:` are RQ's own and must stay as RQ 3.0.0 has them.

A lane is what RQ calls a queue: one of our queues at one priority.
"""

from __future__ import annotations

from rider_core.api.jobs import Priority

#: Pub/sub channel of a job: somebody is told when it ends.
ENDED_CHANNEL = "rider:ended:{id}"
#: Pub/sub channel of a queue: waiting workers look into it when something comes into an empty lane.
DOORBELL = "rider:doorbell:{queue}"
#: Pub/sub channel of a worker that has nothing to do: a job is handed over to it. The key of that name says it may be.
HAND = "rider:hand:{worker}"
#: The workers of a queue that have nothing to do.
HANDS = "rider:hands:{queue}"
#: Pub/sub channel of a worker: ids of jobs that were cancelled while it runs them.
CANCEL_CHANNEL = "rider:cancel:{worker}"
#: Ids of the jobs that ended last.
RECENT = "rider:recent"
RECENT_LENGTH = 200

#: A finished job and its result are kept that long, in seconds: time enough to look at it.
RESULT_TTL_S = 600
#: What was asked for is kept with a job that ended well, or was dropped, where it is no longer than that: a camera's
#: pictures of ten minutes are hundreds of megabytes.
LONG_DATA_BYTES = 16_384
#: A dead letter is kept a week, and at most so many for each queue; older ones make room.
DEAD_LETTER_TTL_S = 7 * 86_400
DEAD_LETTERS_KEPT = 10_000
#: How long it is remembered which job of a key was the newest: longer than any job rests between two attempts.
NEWEST_TTL_S = 86_400
#: An idle worker's hand is held out that long after it was last heard of, in seconds.
HAND_TTL_S = 60
#: How long RQ's record of what a worker works on outlives its last heartbeat, in seconds.
EXECUTION_TTL_S = 40
#: More jobs than that are refused in one lane; those that wait for their time are counted apart.
MAX_WAITING = 200_000
#: Upper bounds of the histograms' buckets in ms: from a no-op to the longest attempt that is allowed.
BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 120_000)


def lane_of(queue: str, priority: Priority) -> str:
    """The lane of a queue's jobs of one priority; that of the normal one has the queue's plain name."""
    return queue if priority is Priority.NORMAL else f"{queue}-{priority.value}"


def lanes_of(queue: str) -> list[str]:
    """All lanes of a queue, the most urgent first."""
    return [lane_of(queue, priority) for priority in (Priority.HIGH, Priority.NORMAL, Priority.LOW)]


def job_key(job_id: str) -> str:
    return f"rq:job:{job_id}"


def queue_key(lane: str) -> str:
    return f"rq:queue:{lane}"


def started_key(lane: str) -> str:
    return f"rq:wip:{lane}"


def scheduled_key(lane: str) -> str:
    return f"rq:scheduled:{lane}"


def failed_key(lane: str) -> str:
    return f"rq:failed:{lane}"


def items_key(job_id: str) -> str:
    """What became of a batch's items: a list of reports."""
    return f"rider:items:{job_id}"


def waiting_key(lane: str) -> str:
    """With a broker: ids of the jobs that wait for a worker, scored by when their ticket was published."""
    return f"rider:waiting:{lane}"


def figures_key(task: str) -> str:
    """Counters and histograms of a task; `unknown` for jobs that name none of ours."""
    return f"rider:figures:{task}"
