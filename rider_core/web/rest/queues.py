"""Queues: their statistics, pausing them, and their dead letters all at once."""

from __future__ import annotations

from pydantic import Field, StrictBool

from rider_core.api.job_backend import JobBackend, QueueStats
from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.web.access import audit
from rider_core.web.rest.blueprint import RestBlueprint
from rider_core.web.rest.parameters import QueuePath


class QueuesView(Message):
    queues: tuple[QueueStats, ...]


class PausedBody(Message):
    paused: StrictBool = Field(description="True: workers take no more of its jobs")


class Count(Message):
    count: int = Field(description="jobs that were changed")


def queues_blueprint(backend: JobBackend) -> RestBlueprint:
    """The routes."""
    queues = RestBlueprint("queues", "Where jobs wait for a worker")

    @queues.operation("GET", "", Role.READ, QueuesView)
    def list_queues() -> QueuesView:
        """The state of every queue"""
        return QueuesView(queues=tuple(backend.stats()))

    @queues.operation("PATCH", "/<queue>", Role.OPERATE, QueueStats)
    def pause_queue(path: QueuePath, body: PausedBody) -> QueueStats:
        """Pause a queue, or continue it

        Jobs are accepted as before, and wait. Those that a worker has already are run.
        """
        audit.changes({"paused": _stats(backend, path.queue).paused})
        change = backend.pause if body.paused else backend.resume
        change(path.queue)
        return _stats(backend, path.queue)

    @queues.operation("POST", "/<queue>/dead-letters/retry", Role.OPERATE, Count)
    def retry_dead_letters(path: QueuePath) -> Count:
        """Put every job that failed for good back into its queue"""
        return Count(count=backend.requeue_all(path.queue))

    @queues.operation("DELETE", "/<queue>/dead-letters", Role.OPERATE, Count)
    def delete_dead_letters(path: QueuePath) -> Count:
        """Delete every job that failed for good"""
        return Count(count=backend.purge_all(path.queue))

    return queues


def _stats(backend: JobBackend, queue: str) -> QueueStats:
    return next(stats for stats in backend.stats() if stats.queue == queue)
