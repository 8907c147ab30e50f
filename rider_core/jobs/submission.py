"""What a specification becomes for the job store's `submit`: validated, encoded, with its metadata and first event."""

from __future__ import annotations

from rider_core.api.jobs import AnySpec, BatchSpec
from rider_core.api.messages import parse_message, parse_messages
from rider_core.api.tasks import Task, task_named
from rider_core.errors import JobRefused, TooLarge
from rider_core.jobs.store import events, keys, protocol
from rider_core.jobs.store.metadata import JobMetadata
from rider_core.jobs.store.spec_codec import MAX_JOB_BYTES, data_of_spec


def encode(spec: AnySpec) -> tuple[Task, bytes]:
    """Validate a spec. Returns its task, and its data for Redis.

    Raises:
        InvalidInput: the payload is none of its task.
        JobRefused: there is no such task, or it takes no batches.
        TooLarge: it has more than `MAX_JOB_BYTES`.
    """
    task = task_named(spec.task)
    if isinstance(spec, BatchSpec) and not task.batches:
        raise JobRefused(f"{task.name} gives its result in a stream", remedy="submit its jobs one by one")
    if isinstance(spec, BatchSpec):
        parse_messages(task.request, spec.payloads)
    else:
        parse_message(task.request, spec.payload)
    data = data_of_spec(spec)
    if len(data) > MAX_JOB_BYTES:
        raise TooLarge(f"job {spec.id} has {len(data)} bytes, the limit is {MAX_JOB_BYTES}")
    return task, data


def submitted_job(spec: AnySpec, task: Task, data: bytes, now: float) -> protocol.SubmittedJob:
    """The job as the store takes it.

    Args:
        data: Of `encode`.
        now: Time of the submission, in seconds since the epoch.
    """
    metadata = JobMetadata.of_spec(spec, task, now)
    due_ts = spec.due_ts or 0.0
    due = "" if due_ts <= now else f',"due_ts":{due_ts:.6f}'
    return protocol.SubmittedJob(
        spec.id,
        keys.lane_of(task.queue, spec.priority),
        task.queue,
        due_ts,
        metadata.coalescing_key,
        metadata.streams,
        data,
        metadata.pack(),
        events.event("job.accepted", now, spec.id, metadata, attempts=0, more=due),
    )
