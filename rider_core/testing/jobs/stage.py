"""A backend with a worker's desk, and the short words that the contract's tests are written in."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from rider_core.api.jobs import JobProblem, JobSpec
from rider_core.api.tasks import TASKS
from rider_core.errors import BackendUnavailable
from rider_core.eventbus import EventBus
from rider_core.jobs.ledger import Claim, ClaimDesk, Ended, LedgerBackend, Outcome, keys
from rider_core.jobs.ledger.codec import order_from_data

PROBLEM = JobProblem(code="crashed", message="boom")
QUEUES = ["voice", "vision", "text"]
PATIENCE_S = 20.0


def spec(**options: Any) -> JobSpec:
    """A job of `text.generate`, unless the options say otherwise."""
    return JobSpec(**{"task": "text.generate", "payload": {"prompt": "hello"}, **options})


@dataclass
class Stage:
    """What a test of the contract gets.

    Attributes:
        quiet_s: After so many seconds without a job none is on its way any more. A broker needs a moment.
    """

    backend: LedgerBackend
    connection: redis.Redis
    quiet_s: float = 0.0
    _desks: dict[str, ClaimDesk] = field(default_factory=dict)

    @property
    def desk(self) -> ClaimDesk:
        return self.desk_of("w1")

    def desk_of(self, worker: str, queues: list[str] | None = None) -> ClaimDesk:
        if worker not in self._desks:
            self._desks[worker] = self.backend.desk(worker, queues or QUEUES)
        return self._desks[worker]

    def take(self, worker: str = "w1", limits: Mapping[str, int] | None = None) -> Claim:
        """The next job, which must come."""
        return self.take_together(worker, limits)[0]

    def take_together(self, worker: str = "w1", limits: Mapping[str, int] | None = None) -> list[Claim]:
        end = time.monotonic() + PATIENCE_S
        while not (claims := self.desk_of(worker).take(limits)):
            if time.monotonic() > end:
                pytest.fail(f"no job came within {PATIENCE_S} s")
            self._wait(worker, 1)
        return claims

    def take_all(self, worker: str = "w1") -> list[Claim]:
        """Every job that waits, in the order of taking; none is ended."""
        taken: list[Claim] = []
        # A broker hands out no more than may be taken together.
        limits = dict.fromkeys(TASKS, 100)
        end = time.monotonic() + self.quiet_s
        while True:
            claims = self.desk_of(worker).take(limits)
            taken += claims
            if claims:
                end = time.monotonic() + self.quiet_s
            elif time.monotonic() >= end:
                return taken
            else:
                self._wait(worker, 0.05)

    def let_arrive(self) -> None:
        """Return when what was submitted is in the worker's hands, as far as the broker hands it out."""
        end = time.monotonic() + self.quiet_s
        while time.monotonic() < end:
            self._wait("w1", 0.05)

    def takes_nothing(self) -> None:
        assert self.take_all() == []

    def done(self, claim: Claim, text: str, worker: str = "w1") -> bool:
        """Hand in a result. False: the lease was lost."""
        ended = Ended(claim, Outcome.DONE, json.dumps({"text": text}), "echo-text", True)
        return self.desk_of(worker).commit([ended])[0]

    def fail(self, claim: Claim, outcome: Outcome = Outcome.FAILED, *, delay_s: float = 0.0, trace: str = "") -> bool:
        ended = Ended.with_problem(claim, outcome, PROBLEM, provider="echo-text", traceback=trace, delay_s=delay_s)
        return self.desk.commit([ended])[0]

    def give_back(self, claim: Claim) -> None:
        """Hand a claim back that was not begun."""
        self.desk.commit([Ended(claim, Outcome.UNSTARTED)])

    def bury(self, *specs: JobSpec) -> list[str]:
        """Make dead letters of these jobs."""
        ids = self.backend.submit_many(specs)
        for _ in ids:
            assert self.fail(self.take(), Outcome.HOPELESS, trace="Traceback: at line 1")
        return ids

    def lose(self, claim: Claim) -> None:
        """Let the lease run out, as if its worker had been dead for long."""
        self.connection.zadd(keys.started_key(claim.lane), {f"{claim.id}:{claim.execution}": 1})

    def kinds(self) -> list[str]:
        """What the house was told, in order."""
        return [event.kind for event in EventBus(self.connection, "test").recent(200)]

    def prompt_of(self, claim: Claim) -> str:
        order = order_from_data(claim.data)
        assert isinstance(order, JobSpec)
        return str(order.payload["prompt"])

    def _wait(self, worker: str, timeout_s: float) -> None:
        """A broker may not be connected yet, or not any more; a worker tries again then, and so does this."""
        with suppress(BackendUnavailable):
            self.desk_of(worker).wait_for_work(timeout_s)

    def close(self) -> None:
        for desk in self._desks.values():
            desk.close()
