"""Numbers out of the job store: the state of the queues, counters and histograms of tasks, capacity of workers."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import cast

import redis
from rq.utils import utcparse

from rider_core.api.job_backend import COUNTERS, Histogram, QueueStats, TaskFigures
from rider_core.api.tasks import QUEUES, TASKS
from rider_core.jobs.store import keys
from rider_core.jobs.store.metadata import JobMetadata
from rider_core.jobs.store.pauses import paused_queues
from rider_core.redis_functions import Command

#: Jobs that RQ's own tools made are counted under this name.
UNKNOWN = "unknown"
#: Longest counter. A longer number was written by another program.
MAX_DIGITS = 18
_HISTOGRAMS = ("waited", "ran", "took")


def queue_stats(
    connection: redis.Redis, alive_s: float, waiting_commands: Callable[[str], tuple[Command, Command]]
) -> list[QueueStats]:
    """Numbers of every queue, all its priorities together.

    Args:
        alive_s: `JobTimings.worker_alive_s`.
        waiting_commands: `Transport.waiting_commands`.
    """
    workers = _live_workers(connection, alive_s)
    lanes = {lane: queue for queue in QUEUES for lane in keys.lanes_of(queue)}
    with connection.pipeline(transaction=False) as pipeline:
        for lane in lanes:
            for command in waiting_commands(lane):
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            pipeline.zcard(keys.scheduled_key(lane))
            pipeline.zcard(keys.started_key(lane))
            pipeline.zcard(keys.failed_key(lane))
        pipeline.smembers(keys.paused_key())
        *answers, paused = pipeline.execute()
    rows = dict(zip(lanes, (answers[start : start + 5] for start in range(0, len(answers), 5)), strict=True))
    heads = [head for row in rows.values() for head in row[1]]
    ages_s = dict(zip(heads, _ages_s(connection, heads), strict=True))
    stats = []
    for queue in QUEUES:
        own = [row for lane, row in rows.items() if lanes[lane] == queue]
        waiting, scheduled, running, failed = (sum(row[column] for row in own) for column in (0, 2, 3, 4))
        serving = sum(queue.encode() in worker.get(b"queues", b"").split(b",") for worker in workers)
        stats.append(
            QueueStats(
                queue=queue,
                waiting=waiting,
                scheduled=scheduled,
                running=running,
                failed=failed,
                workers=serving,
                paused=queue.encode() in paused,
                oldest_s=max((ages_s[head] for row in own for head in row[1]), default=None),
            )
        )
    return stats


def task_figures(connection: redis.Redis) -> list[TaskFigures]:
    """Counters and histograms of every task."""
    names = [*TASKS, UNKNOWN]
    with connection.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.hgetall(keys.metrics_key(name))
        answers = cast("list[dict[bytes, bytes]]", pipeline.execute())
    return [_figures_of(name, fields) for name, fields in zip(names, answers, strict=True)]


def capacity(connection: redis.Redis, alive_s: float) -> dict[str, int]:
    """For each task, how many live workers can do it; 0 while its queue is paused.

    Args:
        alive_s: `JobTimings.worker_alive_s`.
    """
    able: dict[str, int] = dict.fromkeys(TASKS, 0)
    paused = paused_queues(connection)
    for worker in _live_workers(connection, alive_s):
        for task in _tasks_of(worker):
            able[task] += TASKS[task].queue not in paused
    return able


def _tasks_of(worker: dict[bytes, bytes]) -> list[str]:
    try:
        tasks = json.loads(worker.get(b"rider_tasks", b"[]"))
    except (ValueError, RecursionError):
        return []
    return [task for task in tasks if task in TASKS] if isinstance(tasks, list) else []


def _figures_of(task: str, fields: dict[bytes, bytes]) -> TaskFigures:
    numbers = {
        name.decode("ascii", "replace"): int(number)
        for name, number in fields.items()
        if number.isdigit() and len(number) <= MAX_DIGITS
    }
    counters = {name: number for name, number in numbers.items() if name in COUNTERS}
    histograms = {name: _histogram(name, numbers) for name in _HISTOGRAMS}
    queue = TASKS[task].queue if task in TASKS else ""
    return TaskFigures.model_validate({"task": task, "queue": queue, **counters, **histograms})


def _histogram(name: str, numbers: dict[str, int]) -> Histogram:
    counts = tuple(numbers.get(f"{name}:{bound}", 0) for bound in (*keys.BUCKETS_MS, "inf"))
    bounds_s = tuple(bound / 1000 for bound in keys.BUCKETS_MS)
    return Histogram(bounds_s=bounds_s, counts=counts, sum_s=numbers.get(f"{name}:us", 0) / 1e6)


def _ages_s(connection: redis.Redis, ids: list[bytes]) -> list[float]:
    """How long ago each of these jobs was submitted; 0 where it has no record, or was made by RQ's own tools."""
    with connection.pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hget(keys.job_key(job_id.decode("utf-8", "replace")), "metadata")
        answers = cast("list[bytes | None]", pipeline.execute())
    now = time.time()
    jobs = [JobMetadata.unpack((packed or b"").decode("utf-8", "replace")) for packed in answers]
    return [max(0.0, now - float(job.submitted_ts or now)) for job in jobs]


def _live_workers(connection: redis.Redis, alive_s: float) -> list[dict[bytes, bytes]]:
    """The hashes of RQ's workers that gave a sign of life lately, and are still connected.

    A killed process misses no heartbeat for seconds, but its connections are closed at once. Every worker listens for
    cancellations, so the subscribers of that channel tell.
    """
    names = sorted(cast("set[bytes]", connection.smembers("rq:workers")))
    channels = [keys.cancel_channel(name.decode("utf-8", "replace").removeprefix("rq:worker:")) for name in names]
    with connection.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.hgetall(name)
        pipeline.pubsub_numsub(*channels)
        *hashes, listeners = pipeline.execute()
    return [
        worker
        for worker, (_, count) in zip(hashes, listeners, strict=True)
        if worker and count and b"death" not in worker and _age_s(worker) < alive_s
    ]


def _age_s(worker: dict[bytes, bytes]) -> float:
    """Seconds since its last heartbeat."""
    try:
        return time.time() - utcparse(worker.get(b"last_heartbeat", b"").decode()).timestamp()
    except (ValueError, OverflowError):
        return math.inf
