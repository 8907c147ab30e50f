"""The contract between Python and the Lua of the job store; everything that both must know is declared here once.

`declarations` puts it in front of the files in `lua`: keys, constants, the fields of a job's metadata, events, returned
rows. From the signatures comes the Lua that gives a function's arguments their names. A new field of a job is a line of
`JobMetadata` or of the function that carries it, and its use.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, get_type_hints

from rider_core.api.events import EVENTS_TOGETHER, HOUSE_STREAM_LENGTH, JOB_STREAM_LENGTH, JOB_STREAM_TTL_S
from rider_core.api.jobs import AnySpec
from rider_core.api.tasks import Task
from rider_core.jobs.store import keys
from rider_core.jobs.store.rq_format import packed_traceback
from rider_core.redis_functions import Signature, lua_row, lua_value

#: The fields of a job's hash from which its record is made; its data, which may be long, is not among them.
RECORD_FIELDS = (
    *("status", "outcome", "metadata", "attempts", "due_ts", "started_ts", "ended_at", "provider", "mock"),
    *("items_done", "items_failed", "result", "problem"),
)

# What `submit` answers for each job.
ALREADY_KNOWN, ACCEPTED, NOT_TAKEN_YET = 0, 1, 2
# What `finish` answers for each attempt.
LEASE_LOST, COMMITTED, WAITS_AGAIN = 0, 1, 2
# The first value of each row that `lease_tickets` answers.
TICKET_VOID, TICKET_GRANTED, TICKET_SOLO, TICKET_EARLY = 0, 1, 2, 3
#: What `dequeue` answers where a job was dispatched to the worker meanwhile.
DISPATCHED = 1
# What `dequeue` is told of direct dispatch: none; accept it where no job waits; it is accepted; take for later.
NO_DISPATCH, ACCEPT_DISPATCH, ACCEPTING_DISPATCH, PREFETCH = "", "accept", "accepting", "prefetch"
# What RQ's record of a worker shows: nothing to do; short jobs; the job that it works on.
SHOWN_IDLE, SHOWN_BUSY, SHOWN_JOB = "idle", "busy", "job"


class _Form(NamedTuple):
    """How a part of the metadata looks, as a pattern of Python and of Lua, and how Lua reads it."""

    pattern: str
    lua_pattern: str
    lua_value: str


_TEXT = _Form(r"([^|]*)", "([^|]*)", "$name or ''")
_OPTIONAL_TEXT = _TEXT._replace(lua_value="$name ~= '' and $name or nil")
_REST = _Form(r"(.*)", "(.*)", "$name or ''")
_FLAG = _Form(r"([01]?)", "([01]?)", "$name == '1'")
_SECONDS = _Form(r"((?:\d+(?:\.\d+)?)?)", "([%d.]*)", "finite($name)")
_COUNT = _Form(r"(\d{0,6})", "(%d*)", "finite($name) or 0")


class JobMetadata(NamedTuple):
    """What the Lua functions must know of a job, as texts; all are empty for a job that RQ's own tools made.

    It is packed in one field of the job's hash, `metadata`: every field costs 70 bytes.
    """

    task: Annotated[str, _TEXT]
    queue: Annotated[str, _TEXT]
    priority: Annotated[str, _TEXT]
    streams: Annotated[str, _FLAG]
    max_attempts: Annotated[str, _COUNT]
    submitted_ts: Annotated[str, _SECONDS]
    deadline_ts: Annotated[str, _SECONDS]
    coalescing_key: Annotated[str, _OPTIONAL_TEXT]
    items: Annotated[str, _COUNT]
    wanted: Annotated[str, _TEXT]
    origin: Annotated[str, _REST]

    @classmethod
    def of_spec(cls, spec: AnySpec, task: Task, now: float) -> JobMetadata:
        """Of a job that is submitted now."""
        return cls(
            spec.task,
            task.queue,
            spec.priority.value,
            "1" if spec.streams else "0",
            str((spec.retry or task.retry).max_attempts),
            str(now),
            "" if spec.deadline_ts is None else f"{spec.deadline_ts:.6f}",
            spec.newest or "",
            str(spec.items),
            (spec.provider or "").replace("|", " "),
            spec.origin,
        )

    def pack(self) -> str:
        return "|".join(self)

    @classmethod
    def unpack(cls, packed: str) -> JobMetadata:
        """Out of the field; the last part may hold the separator. All empty, where it has another form."""
        found = _METADATA.fullmatch(packed)
        return cls._make(found.groups()) if found else _NO_METADATA

    @property
    def is_batch(self) -> bool:
        return self.items not in ("", "0")


_METADATA_FORMS: dict[str, _Form] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(JobMetadata, include_extras=True).items()
}
#: A part that must be a number is one, whatever stands in Redis.
_METADATA = re.compile(r"\|".join(form.pattern for form in _METADATA_FORMS.values()), re.DOTALL | re.ASCII)
_NO_METADATA = JobMetadata._make([""] * len(JobMetadata._fields))


#: An event in JSON. `more` is what a kind of event adds to the data, each with a comma before it.
EVENT = (
    '{"kind":"<kind>","ts":<ts>,"source":<source>,"job_id":"<job_id>","data":{"task":"<task>","queue":"<queue>",'
    '"origin":<origin>,"priority":"<priority>","attempts":<attempts><more>}}'
)
_EVENT_FORMAT = re.sub(r"<\w+>", "%s", EVENT.replace("%", "%%"))


def event(
    kind: str, ts: float, job_id: str, metadata: JobMetadata, attempts: int, source: str = "", more: str = ""
) -> str:
    """An event whose contents the caller knows; the others are written by `emit` in `lua/events.lua`.

    Args:
        source: The process that says it.
    """
    if metadata.is_batch:
        more = f',"items":{metadata.items}{more}'
    if metadata.wanted:
        more = f',"wanted":{quoted(metadata.wanted)}{more}'
    return _EVENT_FORMAT % (
        kind,
        f"{ts:.6f}",
        quoted(source),
        job_id,
        metadata.task,
        metadata.queue,
        quoted(metadata.origin),
        metadata.priority,
        attempts,
        more,
    )


@lru_cache(maxsize=256)
def quoted(text: str) -> str:
    """A text in JSON; here these are mostly the same few names."""
    return json.dumps(text)


class Now(NamedTuple):
    """The time, in seconds since the epoch and as RQ writes it."""

    now: float
    rq_now: str


class SubmittedJob(NamedTuple):
    """
    Attributes:
        due_ts: 0: at once.
        coalescing_key: Only the newest waiting job with the same key is kept; empty: it has none.
        event: Tells that it was accepted.
    """

    id: str
    lane: str
    queue: str
    due_ts: float
    coalescing_key: str
    streams: str
    data: bytes
    metadata: str
    event: str


class Attempt(NamedTuple):
    """What a worker says when it asks for jobs.

    Attributes:
        execution: The name of the attempt.
        lease_end: In seconds since the epoch.
        shown: What RQ's record of the worker shows.
    """

    worker: str
    execution: str
    now: float
    rq_now: str
    lease_end: float
    shown: str


class DequeueHead(NamedTuple):
    """`Attempt`, and what is wanted.

    Attributes:
        oldest_first: It is the turn of the job that waits longest ("1").
        limits: Task to the largest number of its jobs that are leased together, in JSON; of others it is one.
        only_task: Lease only jobs that are batchable, of this task; empty: of any.
        dispatching: One of `NO_DISPATCH`, `ACCEPT_DISPATCH`, `ACCEPTING_DISPATCH`, `PREFETCH`.
        lease_s: How many seconds a lease has.
        queues: The worker's queues, separated by blanks.
    """

    worker: str
    execution: str
    now: float
    rq_now: str
    lease_end: float
    shown: str
    oldest_first: int
    limits: str
    only_task: str
    dispatching: str
    lease_s: float
    queues: str


class DequeuedRow(NamedTuple):
    """A job that `dequeue` has leased."""

    id: bytes
    lane: bytes
    task: bytes
    data: bytes
    attempts: int
    metadata: bytes


class DispatchedRow(NamedTuple):
    """A job that was leased by direct dispatch, in the first line of the message; its data is behind that."""

    id: str
    lane: str
    task: str
    execution: str
    metadata: str
    started_ts: str


class StartHead(NamedTuple):
    """
    Attributes:
        short: The jobs are short ("1").
    """

    worker: str
    now: float
    rq_now: str
    shown: str
    short: int


class StartedJob(NamedTuple):
    id: str
    execution: str


class LeaseHead(NamedTuple):
    """`Attempt`, and how the jobs of the tickets will run.

    Attributes:
        short: The jobs are short ("1").
        batched: They will run together with others ("1").
        lost_json: The problem of a job whose worker died.
    """

    worker: str
    execution: str
    now: float
    rq_now: str
    lease_end: float
    shown: str
    short: int
    batched: int
    lost_json: str


class LeasedTicket(NamedTuple):
    """
    Attributes:
        redelivered: A worker held it before ("1").
    """

    id: str
    attempt: int
    nonce: str
    redelivered: int


class FinishHead(NamedTuple):
    """
    Attributes:
        forgotten_ts: When a job that is done now expires.
    """

    worker: str
    now: float
    rq_now: str
    forgotten_ts: float


class FinishedAttempt(NamedTuple):
    """
    Attributes:
        flags: Letters of `FLAGS`.
        ran_s: How long the attempt ran.
        took_s: Since the job was submitted; empty: that is not known.
        body: The result, or the problem, in JSON.
        rq_traceback: The traceback as RQ's tools read it.
        event: Tells that it is done.
    """

    id: str
    lane: str
    execution: str
    task: str
    flags: str
    ran_s: float
    took_s: float | str
    outcome: str
    provider: str
    body: str | bytes
    traceback: str
    rq_traceback: str
    delay_s: float
    event: str


#: Letters of `FinishedAttempt.flags`: what is not so of most jobs.
FLAGS = {"IS_MOCK": "m", "STREAMS": "s", "IS_BATCH": "b", "IS_RETRY": "r", "HAS_LONG_DATA": "l"}


class ItemsHead(NamedTuple):
    """
    Attributes:
        mock: The provider is a mock ("1").
        done, failed: How many items of the batch have a result, and how many have none, with these.
        chunk: See `batch_chunks.py`.
    """

    id: str
    execution: str
    now: float
    provider: str
    mock: int
    done: int
    failed: int
    chunk: bytes


class HeartbeatHead(NamedTuple):
    worker: str
    now: float
    rq_now: str
    lease_s: float


class HeldLease(NamedTuple):
    id: str
    lane: str
    execution: str


class ReapHead(NamedTuple):
    """
    Attributes:
        lost_json: The problem of a job whose worker died.
    """

    now: float
    rq_now: str
    lost_json: str
    lease_s: float


class CancelHead(NamedTuple):
    id: str
    now: float
    rq_now: str


class RequeueHead(NamedTuple):
    """
    Attributes:
        allowed: How many attempts the job's policy gives it.
    """

    id: str
    now: float
    allowed: int


class JobHead(NamedTuple):
    id: str


class WorkerHead(NamedTuple):
    worker: str


class LostTicketsHead(NamedTuple):
    """
    Attributes:
        long_ago: Jobs that have been waiting, or due, since before that are looked for.
    """

    now: float
    long_ago: float


SUBMIT = Signature("submit", Now, "jobs", SubmittedJob)
FINISH = Signature("finish", FinishHead, "results", FinishedAttempt)
STORE_ITEMS = Signature("store_items", ItemsHead)
HEARTBEAT = Signature("heartbeat", HeartbeatHead, "leases", HeldLease)
REAP = Signature("reap", ReapHead, "lanes")
MARK_IDLE = Signature("mark_idle", WorkerHead)
CANCEL = Signature("cancel", CancelHead)
REQUEUE = Signature("requeue", RequeueHead)
PURGE = Signature("purge", JobHead)
#: The functions of every transport, in the order of their files.
SIGNATURES = (SUBMIT, FINISH, STORE_ITEMS, HEARTBEAT, REAP, MARK_IDLE, CANCEL, REQUEUE, PURGE)

# Only with RQ's lists.
DEQUEUE = Signature("dequeue", DequeueHead, "lanes")
MARK_STARTED = Signature("mark_started", StartHead, "jobs", StartedJob)
# Only with a broker.
LEASE_TICKETS = Signature("lease_tickets", LeaseHead, "tickets", LeasedTicket)
LOST_TICKETS = Signature("lost_tickets", LostTicketsHead, "lanes")
WITHDRAW = Signature("withdraw", None, "ids")

#: Constants of Lua. Numbers that are only passed on to Redis are texts: to write a number in Lua costs more.
CONSTANTS: dict[str, Any] = {
    "EVENTS_STREAM_LENGTH": str(HOUSE_STREAM_LENGTH),
    "EVENTS_TOGETHER": EVENTS_TOGETHER,
    "JOB_STREAM_LENGTH": str(JOB_STREAM_LENGTH),
    "JOB_STREAM_TTL_S": str(JOB_STREAM_TTL_S),
    "RECENT_TRIMMED_FROM": keys.RECENT_LENGTH + 50,
    "RECENT_LAST": str(keys.RECENT_LENGTH - 1),
    "RESULT_TTL_S": str(keys.RESULT_TTL_S),
    "DEAD_LETTER_TTL_S": str(keys.DEAD_LETTER_TTL_S),
    "COALESCING_TTL_S": str(keys.COALESCING_TTL_S),
    "DISPATCH_TTL_S": keys.DISPATCH_TTL_S,
    "EXECUTION_TTL_S": str(keys.EXECUTION_TTL_S),
    "DEAD_LETTERS_KEPT": keys.DEAD_LETTERS_KEPT,
    "MAX_WAITING": keys.MAX_WAITING,
    "MAX_NOTIFIED_BYTES": keys.MAX_NOTIFIED_BYTES,
    "LONG_DATA_BYTES": keys.LONG_DATA_BYTES,
    "BUCKETS_MS": keys.BUCKETS_MS,
    "RECORD_FIELDS": RECORD_FIELDS,
    "ALREADY_KNOWN": ALREADY_KNOWN,
    "ACCEPTED": ACCEPTED,
    "NOT_TAKEN_YET": NOT_TAKEN_YET,
    "LEASE_LOST": LEASE_LOST,
    "COMMITTED": COMMITTED,
    "WAITS_AGAIN": WAITS_AGAIN,
    "TICKET_VOID": TICKET_VOID,
    "TICKET_GRANTED": TICKET_GRANTED,
    "TICKET_SOLO": TICKET_SOLO,
    "TICKET_EARLY": TICKET_EARLY,
    "DISPATCHED": DISPATCHED,
    "ACCEPT_DISPATCH": ACCEPT_DISPATCH,
    "ACCEPTING_DISPATCH": ACCEPTING_DISPATCH,
    "PREFETCH": PREFETCH,
    "SHOWN_IDLE": SHOWN_IDLE,
    "SHOWN_BUSY": SHOWN_BUSY,
    "SHOWN_JOB": SHOWN_JOB,
    **FLAGS,
}


def declarations(problems: dict[str, str]) -> str:
    """What stands in front of the Lua files.

    Args:
        problems: Name of a constant to a problem in JSON.
    """
    tracebacks = {f"{name}_TRACEBACK": packed_traceback(json.loads(text)["message"]) for name, text in problems.items()}
    constants = {**CONSTANTS, **problems, **tracebacks}
    lines = [f"local {name} = {lua_value(value)}\n" for name, value in constants.items()]
    lines += [key.to_lua() for key in keys.KEYS]
    lines.append(_event_in_lua())
    lines += [lua_row("dequeued_row", DequeuedRow), lua_row("dispatched_row", DispatchedRow)]
    return "".join(lines)


def with_metadata(source: str) -> str:
    """A Lua file in which `$METADATA...` stand for what is known of the fields of `JobMetadata`."""
    pattern = "|".join(form.lua_pattern for form in _METADATA_FORMS.values())
    values = [f"{name} = {form.lua_value.replace('$name', name)}" for name, form in _METADATA_FORMS.items()]
    return (
        source.replace("$METADATA_NAMES", ", ".join(_METADATA_FORMS))
        .replace("$METADATA_PATTERN", f"'^{pattern}$'")
        .replace("$METADATA_VALUES", ", ".join(values))
    )


def _event_in_lua() -> str:
    texts_and_names = re.split(r"<(\w+)>", EVENT)
    joined = " .. ".join(part if number % 2 else f"'{part}'" for number, part in enumerate(texts_and_names) if part)
    return f"local function event_json({', '.join(texts_and_names[1::2])}) return {joined} end\n"
