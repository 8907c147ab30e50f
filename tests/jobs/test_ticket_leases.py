"""Which tickets of a broker lease a job, and which are copies: the job store decides."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from rider_core.api.jobs import JobSpec, RetryPolicy
from rider_core.api.tasks import TASKS
from rider_core.jobs.broker.transport import broker_library
from rider_core.jobs.store import keys, protocol
from rider_core.jobs.store.functions import JobFunctions
from rider_core.jobs.store.metadata import JobMetadata
from rider_core.jobs.store.protocol import TICKET_EARLY, TICKET_GRANTED, TICKET_SOLO, TICKET_VOID
from rider_core.jobs.store.rq_format import rq_time
from rider_core.jobs.store.spec_codec import data_of_spec
from rider_core.redis_functions import ConnectionPool, Function
from rider_core.testing.jobs.harness import spec


@dataclass
class Leases:
    """One job, and what the job store answers to workers that were delivered tickets of it."""

    functions: JobFunctions
    lease_tickets: Function
    id: str

    def ask(self, worker: str, *tickets: str, together: bool = False) -> list[Any]:
        """The answers: for a lease the attempt, for an early ticket its due time and the attempts.

        Args:
            tickets: Each is an attempt, a letter that stands for its nonce, and `again` where it is redelivered.
        """
        asked = []
        for ticket in tickets:
            attempt, letter, *again = ticket.split()
            asked.append(protocol.LeasedTicket(self.id, int(attempt), letter * 8, int(bool(again))))
        now = time.time()
        head = protocol.LeaseHead(worker, f"of-{worker}", now, rq_time(now), now + 20, "busy", 1, int(together), "{}")
        return [_shortened(*row) for row in self.lease_tickets(head, asked)]

    def lose(self) -> None:
        """The lease of the worker that runs it has run out."""
        later = time.time() + 21  # the lease in `ask` has 20 s
        head = protocol.ReapHead(later, rq_time(later), "{}", 20)
        assert self.functions.reap(head, ["text"]) == [[self.id.encode()], []]


def _shortened(answer: int, *values: Any) -> Any:
    if answer == TICKET_GRANTED:
        return values[0]
    return values if answer == TICKET_EARLY else {TICKET_VOID: 0, TICKET_SOLO: "solo"}[answer]


def leases_of(connection: redis.Redis, submitted: JobSpec) -> Leases:
    pool, library = ConnectionPool(connection), broker_library()
    functions = JobFunctions(pool, library)
    now = time.time()
    metadata = JobMetadata.of_spec(submitted, TASKS[submitted.task], now)
    data = data_of_spec(submitted)
    job = protocol.SubmittedJob(submitted.id, "text", "text", 0, "", "0", data, metadata.pack(), "{}")
    assert functions.submit(protocol.Now(now, rq_time(now)), [job]) == [protocol.ACCEPTED]
    return Leases(functions, Function(pool, library, protocol.LEASE_TICKETS), submitted.id)


@pytest.fixture
def leases(connection: redis.Redis) -> Leases:
    return leases_of(connection, spec())


def test_two_tickets_for_one_job_lease_it_once(leases: Leases) -> None:
    """A broker may deliver a copy of a ticket together with it."""
    assert leases.ask("w1", "0 a", "0 b") == [1, 0]
    assert leases.ask("w2", "0 b") == [0], "while it runs"


def test_the_ticket_of_a_running_job_that_comes_again_tells_of_its_worker(leases: Leases) -> None:
    assert leases.ask("w1", "0 a") == [1]
    assert leases.ask("w2", "0 a again") == [2]
    assert leases.ask("w3", "0 a again") == [3], "it is still the one that the job was leased for"


def test_a_copy_that_somebody_held_ends_no_running_job(connection: redis.Redis) -> None:
    """Its caller submitted it twice, after an answer was lost; it has one attempt, and its worker is well."""
    leases = leases_of(connection, spec(retry=RetryPolicy(max_attempts=1)))
    assert leases.ask("w1", "0 a") == [1]
    assert leases.ask("w2", "0 b again") == [0]
    assert connection.hget(keys.job_key(leases.id), "status") == b"started"


def test_what_an_earlier_attempt_left_behind_ends_no_running_job(leases: Leases) -> None:
    """Its worker hung, its lease ran out, and only then its connection."""
    assert leases.ask("w1", "0 a") == [1]
    leases.lose()
    assert leases.ask("w2", "1 b") == [2]
    assert leases.ask("w3", "0 a again") == [0]
    assert leases.ask("w3", "1 b again") == [3], "while its own ticket does"


def test_an_old_ticket_that_is_all_there_is_starts_the_job(leases: Leases) -> None:
    """The broker took no new one, so this one was given back. It belongs to the attempt from then on."""
    assert leases.ask("w1", "0 a") == [1]
    leases.lose()
    assert leases.ask("w2", "0 a again") == [2]
    assert leases.ask("w3", "1 b again") == [0]
    assert leases.ask("w3", "0 a again") == [3]


def test_a_lost_job_is_taken_alone_and_one_that_was_only_held_is_not(leases: Leases) -> None:
    """It may be what killed its worker."""
    assert leases.ask("w1", "0 a again", together=True) == [1]
    assert leases.ask("w2", "0 a again", together=True) == ["solo"]
    assert leases.ask("w3", "0 b", together=True) == [0], "it still runs until its ticket is leased solo"
    assert leases.ask("w2", "0 a again") == [2]


def test_an_old_ticket_of_a_job_that_rests_is_put_off_as_a_new_one(leases: Leases) -> None:
    """Else it would be taken for a copy when the job is due."""
    assert leases.ask("w1", "0 a") == [1]
    before = time.time()
    fail(leases, "w1", delay_s=30)
    ((due_ts, attempts),) = leases.ask("w2", "0 a again")
    assert float(due_ts) >= before + 30 - 0.01
    assert attempts == 1


def fail(leases: Leases, worker: str, delay_s: float) -> None:
    now = time.time()
    failed = protocol.FinishedAttempt(
        id=leases.id,
        lane="text",
        execution=f"of-{worker}",
        task="text.generate",
        flags="",
        ran_s=0.1,
        took_s=0.1,
        outcome="failed",
        provider="echo-text",
        body="{}",
        traceback="",
        rq_traceback="",
        delay_s=delay_s,
        event="",
    )
    head = protocol.FinishHead(worker, now, rq_time(now), now + 60)
    assert leases.functions.finish(head, [failed]) == [protocol.WAITS_AGAIN]
