"""The record of a job, from the fields of its hash. Anything may stand there: it never raises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import from_json

from rider_core.api.jobs import JobDetails, JobProblem, JobRecord, JobState, Priority, Progress
from rider_core.errors import InvalidInput
from rider_core.jobs.store.metadata import JobMetadata
from rider_core.jobs.store.protocol import RECORD_FIELDS
from rider_core.jobs.store.rq_format import from_rq_time
from rider_core.jobs.store.spec_codec import spec_from_data

#: The problem of a job whose hash cannot be read.
DAMAGED = JobProblem(
    code="damaged", message="what Redis holds of this job makes no sense", remedy="rider queue purge ID"
)
#: The problem of a job whose worker died.
LOST = JobProblem(code="lost", message="the worker that ran it ended or stopped answering")
_RECORD_NAMES = tuple(name.encode() for name in RECORD_FIELDS)
_PRIORITIES = {priority.value: priority for priority in Priority}
_STATES = {
    "scheduled": JobState.SCHEDULED,
    "queued": JobState.WAITING,
    # RQ's own, of jobs that its tools made.
    "created": JobState.WAITING,
    "deferred": JobState.WAITING,
    "started": JobState.RUNNING,
    "finished": JobState.DONE,
    "failed": JobState.FAILED,
    "canceled": JobState.CANCELLED,
    "stopped": JobState.CANCELLED,
}


def has_ended(values: Sequence[bytes | None]) -> bool:
    """Whether the job of these `RECORD_FIELDS` has ended; cheaper than its record."""
    status = _text(values[0])
    if status not in _STATES:
        return True  # it will never run
    return _state(status, values[1], values[2]).ended


def record_from_fields(job_id: str, values: Sequence[bytes | None]) -> JobRecord | None:
    """The record of a job, from its `RECORD_FIELDS` as Redis gives them; None: there is no such job.

    Fields that other programs or faults have written, and that make no record, are a failed job.
    """
    if values[0] is None:
        return None
    try:
        return _record(job_id, values)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        message = f"{DAMAGED.message}: {str(error)[:200]}"
        problem = DAMAGED.model_copy(update={"message": message, "remedy": f"rider queue purge {job_id}"})
        return JobRecord(
            id=job_id,
            task="",
            state=JobState.FAILED,
            queue="",
            priority=Priority.NORMAL,
            submitted_ts=0,
            problem=problem,
        )


def record_from_message(job_id: str, message: bytes) -> JobRecord | None:
    """The record in the message of a job's end; None: it was too long for a message, or is no record."""
    try:
        return record_from_fields(job_id, [value.encode() if value else None for value in from_json(message)])
    except (ValueError, AttributeError, TypeError):
        return None


def record_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> JobRecord:
    """The record of a job, from its hash as Redis gives it."""
    record = record_from_fields(job_id, [fields.get(name, b"") for name in _RECORD_NAMES])
    assert record is not None
    return record


def attempts_of(fields: Mapping[bytes, bytes]) -> int:
    """How often the job of this hash was started; 0 where that is no number."""
    text = fields.get(b"attempts", b"")
    return int(text) if text.isdigit() and len(text) < 10 else 0


def details_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> JobDetails:
    """A job with what was submitted, from its hash as Redis gives it."""
    try:
        spec = spec_from_data(fields.get(b"data", b""))
    except InvalidInput:
        spec = None
    traceback = fields.get(b"exc_info", b"").decode("utf-8", "replace")
    return JobDetails(record=record_from_hash(job_id, fields), spec=spec, traceback=traceback)


def _state(status: str, outcome: bytes | None, packed: bytes | None) -> JobState:
    """Raises `KeyError` or `ValueError` where there is no such state."""
    state = _STATES[status]
    if state is JobState.CANCELLED and outcome:
        return JobState(_text(outcome))
    if state is JobState.FAILED and not outcome and JobMetadata.unpack(_text(packed)).task:
        # A stock RQ program put it there; `lua/reap.lua` lets it wait again.
        return JobState.WAITING
    return state


def _record(job_id: str, values: Sequence[bytes | None]) -> JobRecord:
    """Raises several kinds of errors where a field is not of its kind."""
    status, outcome, packed, attempts, due, started, ended, provider, mock, done, failed, result, problem = values
    metadata = JobMetadata.unpack(_text(packed))
    state = _state(_text(status), outcome, packed)
    return JobRecord(
        id=job_id,
        task=metadata.task,
        state=state,
        queue=metadata.queue,
        priority=_PRIORITIES.get(metadata.priority, Priority.NORMAL),
        origin=metadata.origin,
        trace_id=metadata.trace or job_id,
        attempts=int(attempts or 0),
        submitted_ts=float(metadata.submitted_ts or 0),
        due_ts=_finite(due) if due and state is JobState.SCHEDULED else None,
        started_ts=_finite(started) if started else None,
        ended_ts=from_rq_time(_text(ended)) if ended else None,
        provider=_text(provider) or None,
        mock=mock == b"1",
        progress=_progress(metadata, done, failed) if metadata.is_batch else None,
        result=from_json(result, allow_inf_nan=False) if result and state is JobState.DONE else None,
        problem=_problem(_text(problem)) if problem else None,
    )


def _progress(metadata: JobMetadata, done: bytes | None, failed: bytes | None) -> Progress:
    return Progress(total=int(metadata.items), done=int(done or 0), failed=int(failed or 0))


def _problem(text: str) -> JobProblem:
    try:
        return JobProblem.model_validate_json(text)
    except ValidationError:
        return JobProblem(code="error", message=text[:200])


def _finite(text: bytes) -> float:
    """Raises `ValueError`."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is no time")
    return number


def _text(value: bytes | None) -> str:
    return value.decode("utf-8", "replace") if value else ""
