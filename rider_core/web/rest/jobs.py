"""Jobs: list, submit, look at, cancel, retry, delete; and batches of them."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rider_core.api.job_backend import JobBackend
from rider_core.api.jobs import ID_PATTERN, BatchSpec, JobPage, JobProblem, JobQuery, JobRecord, JobSpec
from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.errors import Conflict
from rider_core.web.kept_jobs import JobKeeper, JobView, MediaKind
from rider_core.web.rest.blueprint import ROOT, Answer, Media, RestBlueprint
from rider_core.web.rest.parameters import JobPath, QueueName, TaskName

#: Limit of a submitted job's body in bytes: half a minute of sound, or a large photograph, in base64. Longer ones go
#: through `/v1`, which limits what is uploaded at a time.
MAX_JOB_BODY_BYTES = 2 * 1024 * 1024
#: Origin of jobs that name none.
ORIGIN = "http"


class JobsQuery(JobQuery):
    """What to list."""

    queue: QueueName | None = None
    task: TaskName | None = None


class JobBody(JobSpec):
    """A job to be submitted."""

    task: TaskName


class BatchBody(BatchSpec):
    """A batch to be submitted."""

    task: TaskName


class IdempotencyHeader(BaseModel):
    """Other headers are ignored."""

    model_config = ConfigDict(frozen=True)

    key: str | None = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="a request with the same key is answered with the first one's job, and submits none",
    )


class MediaPath(JobPath):
    kind: MediaKind = Field(description="heard: what a person said; spoken: speech; picture")


class ItemView(Message):
    """The outcome of one item of a batch; without result and problem: none yet."""

    result: dict[str, Any] | None
    problem: JobProblem | None


class ItemsView(Message):
    items: tuple[ItemView, ...]


def jobs_blueprint(backend: JobBackend, keeper: JobKeeper) -> RestBlueprint:
    """The routes."""
    jobs = RestBlueprint("jobs", "Work for the engines")

    @jobs.operation("GET", "", Role.READ, JobPage)
    def list_jobs(query: JobsQuery) -> JobPage:
        """The jobs in a state

        Waiting and scheduled jobs come in the order in which they will run, ended ones the latest first. A page may
        have fewer jobs than `limit`, or none, where the filters let few through: it is the last one if `next` is null.
        """
        return backend.list_jobs(query)

    @jobs.operation("POST", "", Role.OPERATE, JobRecord, status=201, problems=(409,), max_body_bytes=MAX_JOB_BODY_BYTES)
    def submit_job(body: JobBody, header: IdempotencyHeader) -> Answer:
        """Submit a job

        Submission is idempotent by the job's id. Where the body has none, `Idempotency-Key` gives it.
        """
        spec = JobSpec.model_validate(_identified(body, header))
        return _created(backend, backend.submit(spec))

    @jobs.operation("GET", "/<job_id>", Role.READ, JobView, problems=(404,))
    def show_job(path: JobPath) -> JobView:
        """One job, with its payload and traceback

        A job that Redis has forgotten, ten minutes after its end, is shown as the panel has kept it.
        """
        return keeper.view(path.job_id)

    @jobs.operation(
        "GET", "/<job_id>/media/<kind>", Role.READ, None, problems=(404, 416), media=("audio/wav", "image/jpeg")
    )
    def show_media(path: MediaPath) -> Media:
        """The sound or the picture of a job

        `media` of the job says which there are. What people have said is there only where `keep_heard_sound` is set.
        """
        return Media(keeper.media(path.job_id, path.kind), path.kind.content_type)

    @jobs.operation("GET", "/<job_id>/items", Role.READ, ItemsView, problems=(404,))
    def show_items(path: JobPath) -> ItemsView:
        """The outcome of each item of a batch so far, in their order"""
        items = backend.batch_items(path.job_id)
        return ItemsView(items=tuple(ItemView(result=item.result, problem=item.problem) for item in items))

    @jobs.operation("POST", "/<job_id>/cancel", Role.OPERATE, JobRecord, problems=(404, 409))
    def cancel_job(path: JobPath) -> JobRecord:
        """Cancel a job that has not ended

        A running one counts as cancelled at once: its result is discarded.
        """
        if not backend.cancel(path.job_id):
            _refuse(backend, path.job_id, "it has ended", None)
        return backend.get(path.job_id)

    @jobs.operation("POST", "/<job_id>/retry", Role.OPERATE, JobRecord, problems=(404, 409))
    def retry_job(path: JobPath) -> JobRecord:
        """Put a job that failed for good back into its queue, with all its attempts again"""
        if not backend.requeue(path.job_id):
            _refuse(backend, path.job_id, "only a failed job can be retried", None)
        return backend.get(path.job_id)

    @jobs.operation("DELETE", "/<job_id>", Role.OPERATE, None, status=204, problems=(404, 409))
    def delete_job(path: JobPath) -> None:
        """Delete a job that failed for good"""
        if not backend.purge(path.job_id):
            _refuse(backend, path.job_id, "only a failed job can be deleted", f"POST {ROOT}/jobs/ID/cancel")
        keeper.forget(path.job_id)

    return jobs


def batches_blueprint(backend: JobBackend) -> RestBlueprint:
    """The route of batches. A batch is a job once it is there."""
    batches = RestBlueprint("batches", "Many payloads of one task as one job")

    @batches.operation(
        "POST", "", Role.OPERATE, JobRecord, status=201, problems=(409,), max_body_bytes=MAX_JOB_BODY_BYTES
    )
    def submit_batch(body: BatchBody, header: IdempotencyHeader) -> Answer:
        """Submit many payloads of one task as one job"""
        spec = BatchSpec.model_validate(_identified(body, header))
        return _created(backend, backend.submit_batch(spec))

    return batches


def _created(backend: JobBackend, job_id: str) -> Answer:
    return Answer(backend.get(job_id), headers={"Location": f"{ROOT}/jobs/{job_id}"})


def _identified(body: JobBody | BatchBody, header: IdempotencyHeader) -> dict[str, Any]:
    """The spec's values, with an id from the header where the body has none, and an origin."""
    values = body.model_dump()
    if header.key is not None and "id" not in body.model_fields_set:
        fits = re.fullmatch(ID_PATTERN, header.key)
        values["id"] = header.key if fits else hashlib.sha256(header.key.encode()).hexdigest()[:32]
    return values | {"origin": body.origin or ORIGIN}


def _refuse(backend: JobBackend, job_id: str, why: str, remedy: str | None) -> None:
    """Raise `JobNotFound` where there is no such job, else `Conflict`."""
    state = backend.get(job_id).state.value
    raise Conflict(f"job {job_id!r} is {state}: {why}", remedy=remedy)
