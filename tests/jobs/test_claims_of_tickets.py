"""What the ledger says to tickets that a broker hands out: which of them lease a job, which are copies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from rider_core.api.jobs import JobSpec, RetryPolicy
from rider_core.api.tasks import TASKS
from rider_core.jobs.broker_backend.desk import ALONE
from rider_core.jobs.ledger import keys
from rider_core.jobs.ledger.codec import Told, data_of, rq_time
from rider_core.jobs.ledger.functions import Functions
from rider_core.jobs.ledger.line import Line
from rider_core.testing.jobs.stage import spec


@dataclass
class Claims:
    """What the ledger answers to those who were handed tickets of one job by a broker."""

    functions: Functions
    id: str

    def ask(self, worker: str, *tickets: str, together: bool = False) -> list[Any]:
        """Each answer; of a lease it is the attempt.

        Args:
            tickets: Each is an attempt, a letter that stands for its nonce, and `again` where it is redelivered.
        """
        arguments: list[Any] = []
        for ticket in tickets:
            attempt, letter, *again = ticket.split()
            arguments += self.id, attempt, letter * 8, int(bool(again))
        now = time.time()
        attempt_arguments = [worker, f"of-{worker}", now, rq_time(now), now + 20, "busy", 1, int(together), "{}"]
        answers = self.functions.claim([*attempt_arguments, *arguments])
        return [answer[0] if isinstance(answer, list) else answer for answer in answers]

    def lose(self) -> None:
        """The lease of whoever runs it has run out."""
        later = time.time() + 21  # the lease in `ask` has 20 s
        assert self.functions.reap([later, rq_time(later), "{}", 20, "text"]) == [[self.id.encode()], []]


def claims_of(connection: redis.Redis, order: JobSpec) -> Claims:
    functions = Functions(Line(connection), broker=True)
    now = time.time()
    told = Told.by(order, TASKS[order.task], now)
    job = [order.id, "text", "text", 0, "", "0", data_of(order), told.about, "{}"]
    assert functions.submit([now, rq_time(now), *job]) == [1]
    return Claims(functions, order.id)


@pytest.fixture
def claims(connection: redis.Redis) -> Claims:
    return claims_of(connection, spec())


def test_two_tickets_for_one_job_lease_it_once(claims: Claims) -> None:
    """A broker may hand out a copy of a ticket together with it."""
    assert claims.ask("w1", "0 a", "0 b") == [1, 0]
    assert claims.ask("w2", "0 b") == [0], "while it runs"


def test_the_ticket_of_a_running_job_that_comes_again_tells_of_its_worker(claims: Claims) -> None:
    assert claims.ask("w1", "0 a") == [1]
    assert claims.ask("w2", "0 a again") == [2]
    assert claims.ask("w3", "0 a again") == [3], "it is still the one that the job was leased for"


def test_a_copy_that_somebody_held_ends_no_running_job(connection: redis.Redis) -> None:
    """Its caller submitted it twice, after an answer was lost; it has one attempt, and its worker is well."""
    claims = claims_of(connection, spec(retry=RetryPolicy(max_attempts=1)))
    assert claims.ask("w1", "0 a") == [1]
    assert claims.ask("w2", "0 b again") == [0]
    assert connection.hget(keys.job_key(claims.id), "status") == b"started"


def test_what_an_earlier_attempt_left_behind_ends_no_running_job(claims: Claims) -> None:
    """Its worker hung, its lease ran out, and only then its connection."""
    assert claims.ask("w1", "0 a") == [1]
    claims.lose()
    assert claims.ask("w2", "1 b") == [2]
    assert claims.ask("w3", "0 a again") == [0]
    assert claims.ask("w3", "1 b again") == [3], "while its own ticket does"


def test_an_old_ticket_that_is_all_there_is_starts_the_job(claims: Claims) -> None:
    """The broker took no new one, so this one was given back. It belongs to the attempt from then on."""
    assert claims.ask("w1", "0 a") == [1]
    claims.lose()
    assert claims.ask("w2", "0 a again") == [2]
    assert claims.ask("w3", "1 b again") == [0]
    assert claims.ask("w3", "0 a again") == [3]


def test_a_lost_job_is_taken_alone_and_one_that_was_only_held_is_not(claims: Claims) -> None:
    """It may be what killed its worker."""
    assert claims.ask("w1", "0 a again", together=True) == [1]
    assert claims.ask("w2", "0 a again", together=True) == [ALONE]
    assert claims.ask("w3", "0 b", together=True) == [0], "and it still runs until somebody takes it alone"
    assert claims.ask("w2", "0 a again") == [2]


def test_an_old_ticket_of_a_job_that_rests_is_put_off_as_a_new_one(claims: Claims) -> None:
    """Else it would be taken for a copy when the job is due."""
    assert claims.ask("w1", "0 a") == [1]
    before = time.time()
    fail(claims, "w1", delay_s=30)
    (answer,) = claims.ask("w2", "0 a again")
    due_ts, attempts = answer.split()
    assert float(due_ts) >= before + 30 - 0.01
    assert int(attempts) == 1


def fail(claims: Claims, worker: str, delay_s: float) -> None:
    now = time.time()
    job = [
        claims.id,
        "text",
        f"of-{worker}",
        "text.generate",
        "",
        0.1,
        0.1,
        "failed",
        "echo-text",
        "{}",
        "",
        "",
        delay_s,
        "",
    ]
    assert claims.functions.finish([worker, now, rq_time(now), now + 60, *job]) == [2]
