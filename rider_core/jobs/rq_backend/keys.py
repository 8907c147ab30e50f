"""Names of keys and queues. Those that begin with `rq:` are RQ's own and must stay as RQ 3.0.0 has them."""

from __future__ import annotations

from rider_core.api.jobs import Priority

#: Pub/sub channel of a job: somebody is told when it ends.
ENDED_CHANNEL = "rider:ended:{id}"
#: Stream that a submission touches, so that waiting workers look into their queues.
DOORBELL = "rider:doorbell:{queue}"
#: Pub/sub channel of a worker: ids of jobs that were cancelled while it runs them.
CANCEL_CHANNEL = "rider:cancel:{worker}"
#: Ids of the jobs that ended last.
RECENT = "rider:recent"
RECENT_LENGTH = 200

#: A finished job and its result are kept that long, in seconds: time enough to look at it.
RESULT_TTL_S = 600
#: A dead letter is kept a week, and at most so many for each queue; older ones make room.
DEAD_LETTER_TTL_S = 7 * 86_400
DEAD_LETTERS_KEPT = 10_000
#: How long it is remembered which job of a key was the newest: longer than any job rests between two attempts.
NEWEST_TTL_S = 86_400
#: More waiting jobs than that in one queue are refused.
MAX_WAITING = 200_000


def rq_queue(queue: str, priority: Priority) -> str:
    """RQ's queue for ours: one for each priority, the normal one under the plain name."""
    return queue if priority is Priority.NORMAL else f"{queue}-{priority.value}"


def rq_queues(queue: str) -> list[str]:
    """All of RQ's queues for ours, the most urgent first."""
    return [rq_queue(queue, priority) for priority in (Priority.HIGH, Priority.NORMAL, Priority.LOW)]


def job_key(job_id: str) -> str:
    return f"rq:job:{job_id}"


def queue_key(name: str) -> str:
    return f"rq:queue:{name}"


def started_key(name: str) -> str:
    return f"rq:wip:{name}"


def scheduled_key(name: str) -> str:
    return f"rq:scheduled:{name}"


def failed_key(name: str) -> str:
    return f"rq:failed:{name}"
