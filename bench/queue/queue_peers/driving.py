"""The common part of the peers' drivers: warm up, submit, fetch, measure, print one line of JSON.

It runs in the peer's own environment, not in ours, so it knows the standard library and redis, nothing else.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import redis

Handle = TypeVar("Handle")

#: With its quotes it has 100 bytes in JSON.
PAYLOAD = "x" * 98
#: What each task returns: small, and not what a missing result would look like.
RESULT = 1
#: For every wait that polls, in seconds.
POLL_S = 0.001
#: Enough for connections, imports and the worker's start to be over before the clock runs.
WARM_UP_JOBS = 200
#: A result that takes longer is lost.
RESULT_TIMEOUT_S = 60


@dataclass(frozen=True)
class Settings:
    """Settings of worker and driver, which the harness passes in the environment."""

    peer: str
    broker: str
    redis_url: str
    amqp_url: str
    #: A fresh name for each measurement: a worker of another one cannot take its jobs.
    queue: str
    jobs: int
    latency_jobs: int

    @classmethod
    def read(cls) -> Settings:
        """Raises KeyError outside of the harness."""
        return cls(
            peer=os.environ["BENCH_PEER"],
            broker=os.environ["BENCH_BROKER"],
            redis_url=os.environ["BENCH_REDIS_URL"],
            amqp_url=os.environ["BENCH_AMQP_URL"],
            queue=os.environ["BENCH_QUEUE"],
            jobs=int(os.environ["BENCH_JOBS"]),
            latency_jobs=int(os.environ["BENCH_LATENCY_JOBS"]),
        )


def drive(
    library: str,
    run_jobs: Callable[[int], None],
    latencies_s: Callable[[int], list[float]],
    run_without_results: Callable[[int], None] | None = None,
) -> None:
    """Measure and print. `run_jobs(n)` submits n jobs one after another and returns when it has all their results.

    `latencies_s(n)` does so with one job at a time and returns each job's seconds; `run_without_results(n)` returns
    when n jobs that store nothing are done.
    """
    settings = Settings.read()
    server = connect(settings.redis_url)
    run_jobs(WARM_UP_JOBS)
    commands = commands_processed(server)
    figures: dict[str, object] = {
        "version": importlib.metadata.version(library),
        "jobs_per_s": rate_per_s(run_jobs, settings.jobs),
        "commands_per_job": (commands_processed(server) - commands) / settings.jobs,
    }
    latencies_s(WARM_UP_JOBS)
    in_order = sorted(latencies_s(settings.latency_jobs))
    figures["p50_ms"] = 1000 * in_order[len(in_order) // 2]
    figures["p99_ms"] = 1000 * in_order[min(len(in_order) - 1, len(in_order) * 99 // 100)]
    if run_without_results:
        run_without_results(WARM_UP_JOBS)
        figures["jobs_per_s_without_results"] = rate_per_s(run_without_results, settings.jobs)
    print(json.dumps(figures), flush=True)


def drive_handles(
    library: str,
    submit: Callable[[], Handle],
    fetch: Callable[[Handle], object],
    run_without_results: Callable[[int], None] | None = None,
) -> None:
    """`drive` for a library whose submit returns at once with a handle, and whose fetch waits for the result."""

    def run_jobs(count: int) -> None:
        for handle in [submit() for _ in range(count)]:
            check(fetch(handle))

    def latencies_s(count: int) -> list[float]:
        seconds = []
        for _ in range(count):
            started = time.perf_counter()
            check(fetch(submit()))
            seconds.append(time.perf_counter() - started)
        return seconds

    drive(library, run_jobs, latencies_s, run_without_results)


def connect(redis_url: str) -> redis.Redis:
    """A client whose blocking commands may take their time: redis-py itself gives up after a few seconds."""
    return redis.Redis.from_url(redis_url, socket_timeout=2 * RESULT_TIMEOUT_S)


def check(result: object) -> None:
    if result != RESULT:
        raise RuntimeError(f"a job's result is {result!r} and should be {RESULT!r}")


def rate_per_s(run: Callable[[int], None], jobs: int) -> float:
    started = time.perf_counter()
    run(jobs)
    return jobs / (time.perf_counter() - started)


def commands_processed(server: redis.Redis) -> int:
    return int(server.info("stats")["total_commands_processed"])
