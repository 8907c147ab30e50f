"""What the ledger says to tickets that a broker hands out: which of them lease a job, which are copies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from rider_core.api.tasks import TASKS
from rider_core.jobs.broker_backend.desk import ALONE
from rider_core.jobs.ledger.codec import Told, data_of, rq_time
from rider_core.jobs.ledger.desk import LEASE_S
from rider_core.jobs.ledger.functions import Functions
from rider_core.jobs.ledger.line import Line
from rider_core.testing.jobs.stage import spec


@dataclass
class Claims:
    """What the ledger answers to those who were handed tickets of one job by a broker."""

    functions: Functions
    id: str

    def ask(self, worker: str, *tickets: tuple[int, bool], together: bool = False) -> list[Any]:
        """
        Args:
            tickets: Of each the attempt, and whether it is redelivered.
        """
        now = time.time()
        arguments = [part for attempt, redelivered in tickets for part in (self.id, attempt, int(redelivered))]
        attempt = [worker, f"of-{worker}", now, rq_time(now), now + 20, "busy", 1, int(together), "{}"]
        answers = self.functions.claim([*attempt, *arguments])
        return [answer[0] if isinstance(answer, list) else answer for answer in answers]


@pytest.fixture
def claims(connection: redis.Redis) -> Claims:
    functions = Functions(Line(connection), broker=True)
    order = spec()
    now = time.time()
    told = Told.by(order, TASKS[order.task], now)
    job = [order.id, "text", "text", 0, "", "0", data_of(order), told.about, "{}"]
    assert functions.submit([now, rq_time(now), *job]) == [1]
    return Claims(functions, order.id)


def test_two_tickets_for_one_job_lease_it_once(claims: Claims) -> None:
    """A broker may hand out a copy of a ticket together with it."""
    assert claims.ask("w1", (0, False), (0, False)) == [1, 0]
    assert claims.ask("w2", (0, False)) == [0], "while it runs"


def test_the_ticket_of_a_running_job_that_comes_again_tells_of_its_worker(claims: Claims) -> None:
    assert claims.ask("w1", (0, False)) == [1]
    assert claims.ask("w2", (0, True)) == [2]
    assert claims.ask("w3", (0, True)) == [3], "it is still the one that the job was leased for"


def test_what_an_earlier_attempt_left_behind_ends_no_running_job(claims: Claims) -> None:
    """Its worker hung, its lease ran out, and only then its connection."""
    assert claims.ask("w1", (0, False)) == [1]
    later = time.time() + LEASE_S + 1
    claims.functions.reap([later, rq_time(later), "{}", "text"])
    assert claims.ask("w2", (1, False)) == [2]
    assert claims.ask("w3", (0, True)) == [0]
    assert claims.ask("w3", (1, True)) == [3], "while its own ticket does"


def test_an_old_ticket_that_is_all_there_is_starts_the_job(claims: Claims) -> None:
    """The broker took no new one, so this one was given back. It belongs to the attempt from then on."""
    assert claims.ask("w1", (0, False)) == [1]
    later = time.time() + LEASE_S + 1
    claims.functions.reap([later, rq_time(later), "{}", "text"])
    assert claims.ask("w2", (0, True)) == [2]
    assert claims.ask("w3", (1, True)) == [0]
    assert claims.ask("w3", (0, True)) == [3]


def test_a_lost_job_is_taken_alone_and_one_that_was_only_held_is_not(claims: Claims) -> None:
    """It may be what killed its worker."""
    assert claims.ask("w1", (0, True), together=True) == [1]
    assert claims.ask("w2", (0, True), together=True) == [ALONE]
    assert claims.ask("w1", (0, False), together=True) == [0], "and it still runs until somebody takes it alone"
    assert claims.ask("w2", (0, True)) == [2]
