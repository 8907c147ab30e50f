"""Harness of the contract's tests: a backend, and consumers that play its workers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from rider_core.api.jobs import JobProblem, JobSpec, JobState
from rider_core.api.tasks import TASKS
from rider_core.errors import BackendUnavailable
from rider_core.eventbus import EventBus
from rider_core.jobs import AttemptResult, JobConsumer, LeasedJob, Outcome, RedisJobBackend, spec_from_data
from rider_core.jobs.store import keys

PROBLEM = JobProblem(code="crashed", message="boom")
QUEUES = ["voice", "vision", "text"]
PATIENCE_S = 20.0
#: How many times longer than `quiet_s` jobs are waited for that the backend has: a busy machine's broker is late.
LONGER_WHILE_WAITING = 5


def spec(**options: Any) -> JobSpec:
    """A job of `text.generate`, unless the options say otherwise."""
    return JobSpec(**{"task": "text.generate", "payload": {"prompt": "hello"}, **options})


@dataclass
class JobHarness:
    """A backend with consumers, and the steps of the contract's tests.

    Attributes:
        quiet_s: Time in seconds without a job after which no further one arrives. A broker needs some time.
    """

    backend: RedisJobBackend
    connection: redis.Redis
    quiet_s: float = 0.0
    _consumers: dict[str, JobConsumer] = field(default_factory=dict)

    @property
    def consumer(self) -> JobConsumer:
        return self.consumer_of("w1")

    def consumer_of(self, worker: str, queues: list[str] | None = None) -> JobConsumer:
        if worker not in self._consumers:
            self._consumers[worker] = self.backend.consumer(worker, queues or QUEUES)
        return self._consumers[worker]

    def dequeue(self, worker: str = "w1", limits: Mapping[str, int] | None = None) -> LeasedJob:
        """The next job, which must come."""
        return self.dequeue_batch(worker, limits)[0]

    def dequeue_batch(self, worker: str = "w1", limits: Mapping[str, int] | None = None) -> list[LeasedJob]:
        end = time.monotonic() + PATIENCE_S
        while not (leased_jobs := self.consumer_of(worker).dequeue(limits)):
            if time.monotonic() > end:
                pytest.fail(f"no job came within {PATIENCE_S} s")
            self._wait(worker, 1)
        return leased_jobs

    def dequeue_all(self, worker: str = "w1") -> list[LeasedJob]:
        """Lease all waiting jobs. Returns them in their order."""
        dequeued: list[LeasedJob] = []
        # A broker delivers no more than may be dequeued together.
        limits = dict.fromkeys(TASKS, 100)
        end = time.monotonic() + self.quiet_s
        longest = end + self.quiet_s * LONGER_WHILE_WAITING
        while True:
            leased_jobs = self.consumer_of(worker).dequeue(limits)
            dequeued += leased_jobs
            if leased_jobs:
                end = time.monotonic() + self.quiet_s
                longest = end + self.quiet_s * LONGER_WHILE_WAITING
            elif time.monotonic() >= end and (time.monotonic() >= longest or not self._some_wait()):
                return dequeued
            else:
                self._wait(worker, 0.05)

    def let_arrive(self) -> None:
        """Wait until a broker has delivered the submitted jobs, as far as its prefetch allows."""
        end = time.monotonic() + self.quiet_s
        while time.monotonic() < end:
            self._wait("w1", 0.05)

    def assert_no_job(self) -> None:
        assert self.dequeue_all() == []

    def assert_ends_undelivered(self, job_id: str, state: JobState) -> None:
        """The job ends in `state` and no job is leased meanwhile."""
        end = time.monotonic() + PATIENCE_S
        while self.backend.get(job_id).state is not state:
            assert time.monotonic() < end, f"job {job_id} is {self.backend.get(job_id).state}, not {state}"
            self.assert_no_job()

    def done(self, leased: LeasedJob, text: str, worker: str = "w1") -> bool:
        """Commit a result. False: the lease was lost."""
        result = AttemptResult(leased, Outcome.DONE, json.dumps({"text": text}), "echo-text", True)
        return self.consumer_of(worker).commit([result])[0]

    def fail(
        self, leased: LeasedJob, outcome: Outcome = Outcome.FAILED, *, delay_s: float = 0.0, trace: str = ""
    ) -> bool:
        result = AttemptResult.with_problem(
            leased, outcome, PROBLEM, provider="echo-text", traceback=trace, delay_s=delay_s
        )
        return self.consumer.commit([result])[0]

    def release(self, leased: LeasedJob) -> None:
        """Requeue a job that was not started."""
        self.consumer.commit([AttemptResult(leased, Outcome.RELEASED)])

    def make_dead_letters(self, *specs: JobSpec) -> list[str]:
        """Make dead letters of these jobs."""
        ids = self.backend.submit_many(specs)
        for _ in ids:
            assert self.fail(self.dequeue(), Outcome.PERMANENT, trace="Traceback: at line 1")
        return ids

    def lose(self, leased: LeasedJob) -> None:
        """Let the lease run out, as if its worker had been dead for long."""
        self.connection.zadd(keys.started_key(leased.lane), {f"{leased.id}:{leased.execution}": 1})

    def kinds(self) -> list[str]:
        """The kinds of all events, in order."""
        return [event.kind for event in EventBus(self.connection, "test").recent(200)]

    def prompt_of(self, leased: LeasedJob) -> str:
        job = spec_from_data(leased.data)
        assert isinstance(job, JobSpec)
        return str(job.payload["prompt"])

    def _some_wait(self) -> bool:
        with suppress(BackendUnavailable):
            return any(queue.waiting for queue in self.backend.stats())
        return False

    def _wait(self, worker: str, timeout_s: float) -> None:
        """Wait for a job. A broker may not be connected; a worker would try again, and so do the callers."""
        with suppress(BackendUnavailable):
            self.consumer_of(worker).wait_for_work(timeout_s)

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()
