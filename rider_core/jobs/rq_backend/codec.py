"""How a job lies in RQ's hash: RQ's own fields, so that RQ's tools can read it, and ours beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from pydantic import ValidationError
from rq.utils import utcformat

from rider_core.api.jobs import DeadLetter, JobProblem, JobRecord, JobSpec, JobState, Priority
from rider_core.api.messages import parse_message
from rider_core.api.tasks import Task
from rider_core.errors import InvalidInput
from rider_core.jobs.rq_backend import keys

#: RQ wants the name of a function. Ours is never imported: a worker compares it, and refuses any other.
FUNCTION = "rider_core.worker.perform"

_STATES = {
    "scheduled": JobState.SCHEDULED,
    "queued": JobState.WAITING,
    "started": JobState.RUNNING,
    "finished": JobState.DONE,
    "failed": JobState.FAILED,
    "canceled": JobState.CANCELLED,
    "stopped": JobState.CANCELLED,
}


def rq_time(ts: float) -> str:
    """Seconds since the epoch, as RQ writes times."""
    return str(utcformat(datetime.fromtimestamp(ts, tz=timezone.utc)))


def hash_fields(spec: JobSpec, task: Task, now: float) -> list[Any]:
    """The hash of a new job as a flat list of names and values."""
    max_attempts = (spec.retry or task.retry).max_attempts
    data = json.dumps([FUNCTION, None, [], {"spec": spec.model_dump(mode="json", exclude_defaults=True)}])
    fields: dict[str, Any] = {
        "data": data,
        "created_at": rq_time(now),
        "enqueued_at": rq_time(now),
        "description": f"{spec.task} {spec.id}",
        "origin": keys.rq_queue(task.queue, spec.priority),
        "status": "queued",
        "timeout": int(task.timeout_s),
        "result_ttl": keys.RESULT_TTL_S,
        "failure_ttl": keys.DEAD_LETTER_TTL_S,
        "retries_left": max_attempts - 1,
        "task": spec.task,
        "queue": task.queue,
        "priority": spec.priority.value,
        "source": spec.origin,
        "stream": int(spec.stream),
        "max_attempts": max_attempts,
        "attempts": 0,
        "submitted_ts": now,
    }
    if spec.newest_key is not None:
        fields["newest_key"] = spec.newest_key
    if spec.deadline_ts is not None:
        fields["deadline_ts"] = spec.deadline_ts
    return [part for pair in fields.items() for part in pair]


def spec_from_data(data: bytes) -> JobSpec:
    """The spec inside RQ's `data` field.

    Raises:
        InvalidInput: this is not a job of ours: pickled, damaged, or it names another function.
    """
    try:
        function, _instance, _args, arguments = json.loads(data)
        spec = arguments["spec"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidInput("the job is not in our JSON form; nothing of it was run") from None
    if function != FUNCTION:
        raise InvalidInput(f"the job names the function {str(function)[:80]!r}; only our own tasks are run")
    return parse_message(JobSpec, spec)


def record_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> JobRecord:
    """The record of a job, from its hash as Redis gives it."""

    def text(name: str) -> str:
        return fields.get(name.encode(), b"").decode("utf-8", "replace")

    def number(name: str) -> float | None:
        return float(text(name)) if text(name) else None

    state = _STATES.get(text("status"), JobState.WAITING)
    if state is JobState.CANCELLED and text("outcome"):
        state = JobState(text("outcome"))
    return JobRecord(
        id=job_id,
        task=text("task"),
        state=state,
        queue=text("queue"),
        priority=Priority(text("priority") or Priority.NORMAL.value),
        origin=text("source"),
        attempts=int(text("attempts") or 0),
        submitted_ts=number("submitted_ts") or 0.0,
        due_ts=number("due_ts") if state is JobState.SCHEDULED else None,
        started_ts=number("started_ts"),
        ended_ts=number("ended_ts"),
        provider=text("provider") or None,
        mock=text("mock") == "1",
        result=json.loads(text("result")) if state is JobState.DONE else None,
        problem=_problem(text("problem")),
    )


def dead_letter_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """The dead letter of a failed job, from its hash as Redis gives it."""
    try:
        spec = spec_from_data(fields.get(b"data", b""))
    except InvalidInput:
        spec = None
    trace = fields.get(b"exc_info", b"").decode("utf-8", "replace")
    return DeadLetter(record=record_from_hash(job_id, fields), spec=spec, traceback=trace)


def _problem(text: str) -> JobProblem | None:
    if not text:
        return None
    try:
        return JobProblem.model_validate_json(text)
    except ValidationError:
        return JobProblem(code="error", message=text[:200])
