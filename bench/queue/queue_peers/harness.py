"""Measures one peer: flushes Redis, starts a worker, lets the peer's own driver measure, ends both."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from .environments import environment, is_ready
from .peers import PEERS, Peer
from .processes import running

HERE = Path(__file__).parent
#: The slowest peer does 250 jobs/s on two idle cores; what takes this much longer hangs.
START_LIMIT_S = 120
SLOWEST_JOBS_PER_S = 25
#: How soon the end of a process is seen, in seconds. Rare enough to take nothing from the peer.
LOOK_S = 0.1
#: Of the end of a log, in an error's text.
TAIL_BYTES = 600


class PeerFailed(Exception):
    """Its text is the reason in the peer's row."""


@dataclass(frozen=True)
class PeerFigures:
    """One row. With an `error` the figures are None; what a library does not have is None as well."""

    peer: str
    broker: str
    delivery: str
    version: str | None = None
    #: From the first submit to the last result in the submitter's hands, results stored in Redis.
    jobs_per_s: float | None = None
    #: The same for jobs that store nothing, to the end of the last job.
    jobs_per_s_without_results: float | None = None
    #: From submit to result, one job at a time.
    p50_ms: float | None = None
    p99_ms: float | None = None
    #: Redis commands for each job with a result, those of polling and of scripts included.
    commands_per_job: float | None = None
    error: str | None = None


def measure(
    peer: str, broker: str, work_folder: Path, redis_url: str, amqp_url: str | None, jobs: int, latency_jobs: int
) -> PeerFigures:
    """The peer's row. Empties the database of `redis_url`. Raises KeyError for a peer that is not in PEERS."""
    row = {(each.name, each.broker): each for each in PEERS}[peer, broker]
    if broker == "rabbitmq" and amqp_url is None:
        return PeerFigures(peer, broker, row.delivery, error="no RabbitMQ was given")
    settings = {
        "BENCH_PEER": peer,
        "BENCH_BROKER": broker,
        "BENCH_REDIS_URL": redis_url,
        "BENCH_AMQP_URL": amqp_url or "",
        "BENCH_QUEUE": f"bench{secrets.token_hex(4)}",
        "BENCH_JOBS": str(jobs),
        "BENCH_LATENCY_JOBS": str(latency_jobs),
    }
    limit_s = START_LIMIT_S + (jobs + latency_jobs) / SLOWEST_JOBS_PER_S
    try:
        redis.Redis.from_url(redis_url).flushdb()
        return PeerFigures(peer, broker, row.delivery, **drive(row, work_folder.absolute(), settings, limit_s))
    except (PeerFailed, OSError, redis.RedisError) as error:
        return PeerFigures(peer, broker, row.delivery, error=str(error))


def drive(peer: Peer, work_folder: Path, settings: dict[str, str], limit_s: float) -> dict[str, Any]:
    """The driver's line. Raises PeerFailed when the worker or the driver ends badly or too late."""
    if not is_ready(work_folder, peer.library):
        raise PeerFailed(f"{peer.library} is not installed under {work_folder}: see the output of prepare()")
    programs = environment(work_folder, peer.library) / "bin"
    variables = {**os.environ, **peer.environment, **settings, "PYTHONPATH": str(HERE)}
    values = {"queue": settings["BENCH_QUEUE"], "redis_url": settings["BENCH_REDIS_URL"]}
    program, *arguments = [part.format(**values) for part in peer.worker]
    logs = work_folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    name = f"{peer.name}-{peer.broker}"
    log, driver_log, answer = logs / f"{name}-worker.log", logs / f"{name}-driver.log", logs / f"{name}.json"
    driver_log.unlink(missing_ok=True)
    driver_command = [str(programs / "python"), "-c", f"from {peer.library}_peer import main; main()"]
    with (
        running([str(programs / program), *arguments], variables, logs, log, log) as worker,
        running(driver_command, variables, logs, answer, driver_log) as driver,
    ):
        wait(worker, driver, log, limit_s)
        if driver.returncode:
            raise PeerFailed(f"its driver ended with {driver.returncode}: {tail(driver_log)}")
    figures: dict[str, Any] = json.loads(answer.read_bytes())
    return figures


def wait(worker: subprocess.Popen[bytes], driver: subprocess.Popen[bytes], log: Path, limit_s: float) -> None:
    """Until the driver has ended. Raises PeerFailed when the worker ends first, or after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            driver.wait(LOOK_S)
            return
        except subprocess.TimeoutExpired:
            pass
        if worker.poll() is not None:
            raise PeerFailed(f"its worker ended with {worker.returncode}: {tail(log)}")
        if time.monotonic() > deadline:
            raise PeerFailed(f"it was not done in {limit_s:.0f} s: {tail(log)}")


def tail(log: Path) -> str:
    return log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").strip()
