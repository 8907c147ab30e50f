"""How a job lies in its hash: RQ's own fields, so that RQ's tools can read it, and ours beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone

from pydantic import ValidationError
from rq.utils import utcformat

from rider_core.api.jobs import (
    AnySpec,
    BatchItem,
    BatchSpec,
    DeadLetter,
    JobProblem,
    JobRecord,
    JobSpec,
    JobState,
    Priority,
    Progress,
)
from rider_core.api.messages import parse_json, parse_message
from rider_core.api.tasks import Task
from rider_core.errors import InvalidInput

#: RQ wants the name of a function. Ours is never imported: a worker compares it, and refuses any other.
FUNCTION = "rider_core.worker.perform"
_KINDS: dict[str, type[AnySpec]] = {"spec": JobSpec, "batch": BatchSpec}
_HEADS = {name: f'["{FUNCTION}", null, [], {{"{name}": '.encode() for name in _KINDS}
_TAIL = b"}]"

_STATES = {
    "scheduled": JobState.SCHEDULED,
    "queued": JobState.WAITING,
    "started": JobState.RUNNING,
    "finished": JobState.DONE,
    "failed": JobState.FAILED,
    "canceled": JobState.CANCELLED,
    "stopped": JobState.CANCELLED,
}
#: The parts of `about`, in order; the last may hold the separator.
_ABOUT = ("task", "queue", "priority", "stream", "max_attempts", "submitted_ts", "deadline_ts", "newest_key", "items")
#: In front of an item's outcome: what follows is its result, or its problem.
DONE, FAILED = b"1", b"0"


def rq_time(ts: float) -> str:
    """Seconds since the epoch, as RQ writes times."""
    return str(utcformat(datetime.fromtimestamp(ts, tz=timezone.utc)))


def data_of(order: AnySpec) -> bytes:
    """RQ's `data` field: what is asked for, in JSON."""
    return (
        _HEADS["batch" if isinstance(order, BatchSpec) else "spec"]
        + order.model_dump_json(exclude_defaults=True).encode()
        + _TAIL
    )


def about(order: AnySpec, task: Task, now: float) -> str:
    """What the scripts must know of a job, in one field: every field of a hash costs some 70 bytes."""
    parts = (
        order.task,
        task.queue,
        order.priority.value,
        int(order.streams),
        (order.retry or task.retry).max_attempts,
        now,
        order.deadline_ts or "",
        order.newest or "",
        order.items,
        order.origin,
    )
    return "|".join(map(str, parts))


def order_from_data(data: bytes) -> AnySpec:
    """What was asked for, out of RQ's `data` field.

    Raises:
        InvalidInput: this is not a job of ours: pickled, damaged, or it names another function.
    """
    for name, head in _HEADS.items():
        if data.startswith(head) and data.endswith(_TAIL):
            return parse_json(_KINDS[name], data[len(head) : -len(_TAIL)])
    return _order_from_other_json(data)


def record_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> JobRecord:
    """The record of a job, from its hash as Redis gives it."""

    def text(name: str) -> str:
        return fields.get(name.encode(), b"").decode("utf-8", "replace")

    def number(name: str) -> float | None:
        return float(text(name)) if text(name) else None

    told = told_about(fields)
    state = _STATES.get(text("status"), JobState.WAITING)
    if state is JobState.CANCELLED and text("outcome"):
        state = JobState(text("outcome"))
    return JobRecord(
        id=job_id,
        task=told["task"],
        state=state,
        queue=told["queue"],
        priority=Priority(told["priority"] or Priority.NORMAL.value),
        origin=told["source"],
        attempts=int(text("attempts") or 0),
        submitted_ts=float(told["submitted_ts"] or 0),
        due_ts=number("due_ts") if state is JobState.SCHEDULED else None,
        started_ts=number("started_ts"),
        ended_ts=number("ended_ts"),
        provider=text("provider") or None,
        mock=text("mock") == "1",
        progress=_progress(told["items"], text("items_done"), text("items_failed")),
        result=json.loads(text("result")) if state is JobState.DONE and text("result") else None,
        problem=_problem(text("problem")),
    )


def told_about(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """What `about` put together; empty texts for a job that RQ's own tools made."""
    parts = fields.get(b"about", b"").decode("utf-8", "replace").split("|", len(_ABOUT))
    parts += [""] * (len(_ABOUT) + 1 - len(parts))
    return dict(zip((*_ABOUT, "source"), parts, strict=True))


def dead_letter_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """The dead letter of a failed job, from its hash as Redis gives it."""
    try:
        order = order_from_data(fields.get(b"data", b""))
    except InvalidInput:
        order = None
    trace = fields.get(b"exc_info", b"").decode("utf-8", "replace")
    return DeadLetter(record=record_from_hash(job_id, fields), spec=order, traceback=trace)


def item_from_outcome(outcome: bytes | None) -> BatchItem:
    """What became of one item of a batch; None: nothing yet."""
    if outcome is None:
        return BatchItem()
    if outcome.startswith(DONE):
        return BatchItem(result=json.loads(outcome[1:]))
    return BatchItem(problem=_problem(outcome[1:].decode("utf-8", "replace")))


def _order_from_other_json(data: bytes) -> AnySpec:
    """RQ's own tools may have written the same in other words."""
    try:
        function, _instance, _args, arguments = json.loads(data)
        kind, body = next((_KINDS[name], body) for name, body in arguments.items() if name in _KINDS)
    except (ValueError, TypeError, AttributeError, StopIteration, RecursionError):
        raise InvalidInput("the job is not in our JSON form; nothing of it was run") from None
    if function != FUNCTION:
        raise InvalidInput(f"the job names the function {str(function)[:80]!r}; only our own tasks are run")
    return parse_message(kind, body)


def _progress(items: str, done: str, failed: str) -> Progress | None:
    if int(items or 0) == 0:
        return None
    return Progress(total=int(items), done=int(done or 0), failed=int(failed or 0))


def _problem(text: str) -> JobProblem | None:
    if not text:
        return None
    try:
        return JobProblem.model_validate_json(text)
    except ValidationError:
        return JobProblem(code="error", message=text[:200])
