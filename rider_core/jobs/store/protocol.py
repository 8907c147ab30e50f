"""The contract between Python and the Lua of the job store: the functions' arguments, and what they return.

From the signatures comes the Lua that gives a function's arguments their names; `declarations.py` gives it the rest.
"""

from __future__ import annotations

from typing import NamedTuple

from rider_core.redis_functions import Signature

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
# Argument `dispatching` of `dequeue`: no direct dispatch; accept one where no job waits; one is accepted already; no
# dispatch, and the jobs are prefetched.
NO_DISPATCH, ACCEPT_DISPATCH, ACCEPTING_DISPATCH, PREFETCH = "", "accept", "accepting", "prefetch"
# What RQ's record of a worker shows: nothing to do; short jobs; the job that it works on.
SHOWN_IDLE, SHOWN_BUSY, SHOWN_JOB = "idle", "busy", "job"


class Now(NamedTuple):
    """The time, in seconds since the epoch and as RQ writes it."""

    now: float
    rq_now: str


class SubmittedJob(NamedTuple):
    """
    Attributes:
        due_ts: 0: at once.
        coalescing_key: Only the newest waiting job with the same key is kept; empty: it has none.
        event: `job.accepted`, in JSON.
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
    """The first arguments of every request for jobs.

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
    """`Attempt`, and which jobs are requested.

    Attributes:
        oldest_first: This request leases the job that has waited longest ("1").
        limits: Task to the largest number of its jobs that are leased together, in JSON; of others it is one.
        only_task: Lease only jobs that are batchable, of this task; empty: of any.
        dispatching: One of `NO_DISPATCH`, `ACCEPT_DISPATCH`, `ACCEPTING_DISPATCH`, `PREFETCH`.
        lease_s: Length of a lease in seconds.
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
        ran_s: Run time of the attempt, in seconds.
        took_s: Time since the job was submitted, in seconds; empty: that is not known.
        body: The result, or the problem, in JSON.
        rq_traceback: The traceback as RQ's tools read it.
        event: `job.done`, in JSON.
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


#: Letters of `FinishedAttempt.flags`: properties that most jobs do not have.
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
