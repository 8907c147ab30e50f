"""Jobs that failed for good: a selection of them is retried or deleted in one request."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rider_core.api.job_backend import JobBackend
from rider_core.api.jobs import ID_PATTERN
from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.web.kept_jobs import JobKeeper
from rider_core.web.rest.blueprint import RestBlueprint
from rider_core.web.rest.queues import Count

#: Jobs in one request: each is a round trip of some 100 µs to Redis.
MAX_SELECTED = 500


class Selection(Message):
    jobs: tuple[Annotated[str, Field(pattern=ID_PATTERN)], ...] = Field(
        min_length=1, max_length=MAX_SELECTED, description="their ids; those that are no failed jobs are left alone"
    )


def dead_letters_blueprint(backend: JobBackend, keeper: JobKeeper) -> RestBlueprint:
    """The routes."""
    letters = RestBlueprint("dead-letters", "Jobs that failed for good, several at once")

    @letters.operation("POST", "/retry", Role.OPERATE, Count)
    def retry_selected(body: Selection) -> Count:
        """Put these failed jobs back into their queues, with all their attempts again"""
        return Count(count=sum(map(backend.requeue, dict.fromkeys(body.jobs))))

    @letters.operation("POST", "/delete", Role.OPERATE, Count)
    def delete_selected(body: Selection) -> Count:
        """Delete these failed jobs"""
        deleted = [job_id for job_id in dict.fromkeys(body.jobs) if backend.purge(job_id)]
        for job_id in deleted:
            keeper.forget(job_id)
        return Count(count=len(deleted))

    return letters
