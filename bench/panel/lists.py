"""Every page and list with 100,000 jobs that wait, and with 100,000 that are dead."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import httpx
import redis
from harness import console, stack_in

from rider_core.api import JobSpec
from rider_core.api.jobs import JobProblem, Priority
from rider_core.jobs import AttemptResult, Outcome, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists

JOBS, REQUESTS = 100_000, 60
#: What every page reads.
LISTS = (
    "/", "/api/v1/status", "/api/v1/queues", "/api/v1/jobs?limit=100", "/api/v1/jobs?state=waiting&limit=100",
    "/api/v1/jobs?state=failed&limit=100", "/api/v1/jobs?state=done&limit=100",
    "/api/v1/jobs?state=failed&queue=text&limit=100", "/api/v1/jobs?state=failed&search=no-such-job&limit=100",
    "/api/v1/schedules", "/api/v1/providers", "/api/v1/plugins", "/api/v1/prompts", "/api/v1/settings", "/api/v1/logs",
)  # fmt: skip


def measure(folder: Path) -> dict[str, float]:
    def fill(connection: redis.Redis) -> None:
        backend = RedisJobBackend(connection, RQLists())
        _fill_dead_letters(backend)
        for queue in ("voice", "vision", "text"):
            backend.pause(queue)
        _fill_waiting(backend)
        console.print({row.queue: (row.waiting, row.failed) for row in backend.stats()})

    with stack_in(folder, fill) as (stack, _):
        worst = {path: _p95_ms(stack.url + path) for path in LISTS}
    for path, ms in sorted(worst.items(), key=lambda it: -it[1]):
        console.print(f"{ms:8.1f} ms  {path}")
    return {"api_p95_ms_100k": round(max(worst.values()), 1)}


def _fill_waiting(backend: RedisJobBackend) -> None:
    spec = {"task": "text.generate", "payload": {"prompt": "hello"}, "origin": "bench"}
    for _ in range(JOBS // 1_000):
        backend.submit_many([JobSpec.model_validate(spec) for _ in range(1_000)])


def _fill_dead_letters(backend: RedisJobBackend) -> None:
    """Over all lanes, since each keeps a limited number."""
    tasks = {"voice.synthesize": {"text": "x"}, "vision.detect": {"image": "eA=="}, "text.generate": {"prompt": "x"}}
    problem = JobProblem(code="crashed", message="the bench's worker fails")
    share = JOBS // (len(tasks) * len(Priority)) + 1
    for task, payload in tasks.items():
        queue = task.split(".")[0]
        consumer = backend.consumer("bench", [queue])
        for priority in Priority:
            left = share
            while left > 0:
                count = min(left, 500)
                backend.submit_many([JobSpec(task=task, payload=payload, priority=priority) for _ in range(count)])
                left -= count
                done = 0
                while done < count:
                    leased = consumer.dequeue({task: 100})
                    consumer.commit([AttemptResult.with_problem(it, Outcome.PERMANENT, problem) for it in leased])
                    done += len(leased)
        consumer.close()


def _p95_ms(url: str) -> float:
    times = []
    with httpx.Client(timeout=30) as client:
        for _ in range(REQUESTS):
            started = time.perf_counter()
            answer = client.get(url)
            times.append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:300]}"
    return statistics.quantiles(times, n=20)[18]
