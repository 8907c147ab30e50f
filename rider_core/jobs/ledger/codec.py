"""How a job lies in its hash: RQ's own fields, so that RQ's tools can read it, and ours beside them."""

from __future__ import annotations

import json
import math
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from rider_core.api.jobs import (
    AnySpec,
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
from rider_core.errors import InvalidInput, TooLarge

#: RQ wants the name of a function. Ours is never imported: a worker compares it, and refuses any other.
FUNCTION = "rider_core.worker.perform"
_KINDS: dict[str, type[AnySpec]] = {"spec": JobSpec, "batch": BatchSpec}
_HEADS = {name: f'["{FUNCTION}", null, [], {{"{name}": '.encode() for name in _KINDS}
_TAIL = b"}]"
#: What a job says that leaves everything else open.
_PLAIN = {"id", "task", "payload"}

#: One job with all its payload, in bytes: 300 s of sound at 48 kHz in base64, and room for a batch of shorter ones.
MAX_JOB_BYTES = 64 * 1024 * 1024
#: What packed data begins with, and JSON does not.
_ZLIB = b"x"

#: What a record is made of; the payload, which may be long, is not among it.
RECORD_FIELDS = (
    *("status", "outcome", "about", "attempts", "due_ts", "started_ts", "ended_at", "provider", "mock"),
    *("items_done", "items_failed", "result", "problem"),
)
#: Of a job whose hash is no job's.
DAMAGED = JobProblem(
    code="damaged", message="what Redis holds of this job makes no sense", remedy="rider queue purge ID"
)
#: Of a job whose worker died.
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


def rq_time(ts: float) -> str:
    """Seconds since the epoch, as RQ writes times."""
    return f"{_second(int(ts))}.{int(ts % 1 * 1e6):06}Z"


@lru_cache(maxsize=8)
def _second(ts: int) -> str:
    """Most calls of a second are the same to a calendar."""
    return datetime.fromtimestamp(ts, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def _text(value: bytes | None) -> str:
    return value.decode("utf-8", "replace") if value else ""


def from_rq_time(text: str) -> float:
    """A time that RQ, or `rq_time`, has written, in seconds since the epoch."""
    return datetime.fromisoformat(text.removesuffix("Z") + "+00:00").timestamp()


def data_of(order: AnySpec) -> bytes:
    """RQ's `data` field: what is asked for, in JSON."""
    if isinstance(order, JobSpec) and order.model_fields_set <= _PLAIN:
        # Nearly all are like this; its id and task are known to hold nothing that JSON would write otherwise.
        head = f'{{"id":"{order.id}","task":"{order.task}","payload":'.encode()
        return _HEADS["spec"] + head + to_json(order.payload, inf_nan_mode="null") + b"}" + _TAIL
    return (
        _HEADS["batch" if isinstance(order, BatchSpec) else "spec"]
        + order.model_dump_json(exclude_defaults=True).encode()
        + _TAIL
    )


class Told(NamedTuple):
    """What the functions must know of a job, as texts; all are empty for a job that RQ's own tools made.

    It lies in one field of the job's hash, `about`: every field costs some 70 bytes.
    """

    task: str
    queue: str
    priority: str
    stream: str
    max_attempts: str
    submitted_ts: str
    deadline_ts: str
    newest_key: str
    items: str
    origin: str

    @classmethod
    def by(cls, order: AnySpec, task: Task, now: float) -> Told:
        """Of an order that is submitted now."""
        return cls(
            order.task,
            task.queue,
            order.priority.value,
            "1" if order.streams else "0",
            str((order.retry or task.retry).max_attempts),
            str(now),
            "" if order.deadline_ts is None else f"{order.deadline_ts:.6f}",
            order.newest or "",
            str(order.items),
            order.origin,
        )

    @property
    def about(self) -> str:
        return "|".join(self)

    @classmethod
    def of(cls, about: str) -> Told:
        """Out of the field; the last part may hold the separator. Nothing, where it has another form."""
        found = _ABOUT.fullmatch(about)
        return cls._make(found.groups()) if found else _NOTHING_TOLD

    @property
    def is_batch(self) -> bool:
        return self.items not in ("", "0")


_NUMBER = r"((?:\d+(?:\.\d+)?)?)"
#: The same as in `lua/records.lua`: whatever stands in Redis, what is said to be a number is one.
_ABOUT = re.compile(
    rf"([^|]*)\|([^|]*)\|([^|]*)\|([01]?)\|(\d{{0,4}})\|{_NUMBER}\|{_NUMBER}\|([^|]*)\|(\d{{0,6}})\|(.*)",
    re.DOTALL | re.ASCII,
)
_NOTHING_TOLD = Told._make([""] * len(Told._fields))


def event(kind: str, ts: float, job_id: str, told: Told, attempts: int, source: str = "", more: str = "") -> str:
    """An event in JSON, as `lua/events.lua` writes it, for whoever calls the functions and knows all there is to tell.

    Args:
        source: Who says it: the worker.
        more: What is added to the event's data, in JSON, with a comma before each.
    """
    items = f',"items":{told.items}' if told.is_batch else ""
    return (
        f'{{"kind":"{kind}","ts":{ts:.6f},"source":{quoted(source)},"job_id":"{job_id}","data":{{"task":"{told.task}",'
        f'"queue":"{told.queue}","origin":{quoted(told.origin)},"priority":"{told.priority}","attempts":{attempts}'
        f"{items}{more}}}}}"
    )


@lru_cache(maxsize=256)
def quoted(text: str) -> str:
    """A text in JSON; here these are mostly the same few names."""
    return json.dumps(text)


def packed_trace(text: str) -> str:
    """A traceback as RQ's stream of results has it."""
    return b64encode(zlib.compress(text.encode(errors="replace"))).decode()


def order_from_data(data: bytes) -> AnySpec:
    """What was asked for, out of RQ's `data` field, which RQ's own tools compress when they put a job back.

    Raises:
        InvalidInput: this is not a job of ours: pickled, damaged, or it names another function.
    """
    if data.startswith(_ZLIB):
        data = _unpacked(data)
    for name, head in _HEADS.items():
        if data.startswith(head) and data.endswith(_TAIL):
            return parse_json(_KINDS[name], data[len(head) : -len(_TAIL)])
    return _order_from_other_json(data)


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, MAX_JOB_BYTES)
    except zlib.error:
        return data
    if unpacker.unconsumed_tail:
        raise TooLarge(f"the job has more than {MAX_JOB_BYTES} bytes when it is unpacked")
    return unpacked


def has_ended(values: Sequence[bytes | None]) -> bool:
    """Whether the job of these `RECORD_FIELDS` has ended; cheaper than its record."""
    status = _text(values[0])
    if status not in _STATES:
        return True  # nothing is to come of it
    return _state(status, values[1], values[2]).ended


def record_from_told(job_id: str, values: Sequence[bytes | None]) -> JobRecord | None:
    """The record of a job, from its `RECORD_FIELDS` as Redis gives them; None: there is no such job.

    Anything may stand there, written by other programs or by faults: what makes no record is a job that failed.
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


def _state(status: str, outcome: bytes | None, about: bytes | None) -> JobState:
    """Raises `KeyError` or `ValueError` where there is no such one."""
    state = _STATES[status]
    if state is JobState.CANCELLED and outcome:
        return JobState(_text(outcome))
    if state is JobState.FAILED and not outcome and Told.of(_text(about)).task:
        # A program of others put it away (`lua/reap.lua`); it comes back.
        return JobState.WAITING
    return state


def _record(job_id: str, values: Sequence[bytes | None]) -> JobRecord:
    """Raises several kinds of errors where a field is not of its kind."""
    status, outcome, about, attempts, due, started, ended, provider, mock, done, failed, result, problem = values
    told = Told.of(_text(about))
    state = _state(_text(status), outcome, about)
    return JobRecord(
        id=job_id,
        task=told.task,
        state=state,
        queue=told.queue,
        priority=_PRIORITIES.get(told.priority, Priority.NORMAL),
        origin=told.origin,
        attempts=int(attempts or 0),
        submitted_ts=float(told.submitted_ts or 0),
        due_ts=_finite(due) if due and state is JobState.SCHEDULED else None,
        started_ts=_finite(started) if started else None,
        ended_ts=from_rq_time(_text(ended)) if ended else None,
        provider=_text(provider) or None,
        mock=mock == b"1",
        progress=_progress(told, done, failed) if told.is_batch else None,
        result=from_json(result, allow_inf_nan=False) if result and state is JobState.DONE else None,
        problem=_problem(_text(problem)) if problem else None,
    )


def record_from_message(job_id: str, message: bytes) -> JobRecord | None:
    """The record that was told with a job's end; None: it was too long, or is no record."""
    try:
        return record_from_told(job_id, [value.encode() if value else None for value in from_json(message)])
    except (ValueError, AttributeError, TypeError):
        return None


def record_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> JobRecord:
    """The record of a job, from its hash as Redis gives it."""
    record = record_from_told(job_id, [fields.get(name, b"") for name in _RECORD_NAMES])
    assert record is not None
    return record


def attempts_of(fields: Mapping[bytes, bytes]) -> int:
    """How often the job of this hash was started; 0 where that is no number."""
    text = fields.get(b"attempts", b"")
    return int(text) if text.isdigit() and len(text) < 10 else 0


def dead_letter_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """The dead letter of a failed job, from its hash as Redis gives it."""
    try:
        order = order_from_data(fields.get(b"data", b""))
    except InvalidInput:
        order = None
    trace = fields.get(b"exc_info", b"").decode("utf-8", "replace")
    return DeadLetter(record=record_from_hash(job_id, fields), spec=order, traceback=trace)


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


def _finite(text: bytes) -> float:
    """Raises `ValueError`."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is no time")
    return number


def _progress(told: Told, done: bytes | None, failed: bytes | None) -> Progress:
    return Progress(total=int(told.items), done=int(done or 0), failed=int(failed or 0))


def _problem(text: str) -> JobProblem:
    try:
        return JobProblem.model_validate_json(text)
    except ValidationError:
        return JobProblem(code="error", message=text[:200])
