"""The job engine beside its peers: `make bench-queue`.

A Redis (our embedded Valkey, with its append-only file as in `rider up`) and a RabbitMQ node are started on loopback.
Each peer gets them empty, in processes of its own, and our side right after it, in several rounds: how fast a machine
is changes from one minute to the next, so a ratio compares measurements within seconds. A peer's ratio is the median
over its rounds, and the best peer has the best median: a maximum over all rounds would be chance. The peers that decide
a figure are measured in more rounds. All servers and workers end with the program. Prints tables, and as its last line
one JSON object. `--quick` takes a tenth of the jobs, to see whether it works.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import redis
from ours import Ours, full_queue
from queue_peers import PEERS, PeerFigures, measure, prepare
from report import Duel, Measured, Speed, compare, console, deciding, medians_of_peers, show
from servers import INSTALL, ROOT, RabbitMQNode, rabbitmq, redis_server

ENVIRONMENTS = ROOT / ".make" / "bench-queue"
ROUNDS = 5
#: Further rounds for the peers that decide a figure: a single round may be off by a fifth.
ROUNDS_OF_DECIDING = 6
#: Jobs that our client submits in one call where the broker confirms. Of 100, 200, 250, 500 and 1,000 it is the
#: fastest here: the worker begins earlier than with more, and fewer do not fill RabbitMQ's writes.
WINDOW = 200


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
        # One after the other: the schedulers of an idle broker busy-wait.
        on_redis = in_rounds(OnRedis(folder, redis_url, share), not options.without_peers)
        console.print("starting RabbitMQ")
        with rabbitmq(folder / "rabbitmq") as node:
            on_rabbitmq = in_rounds(OnRabbitMQ(folder, redis_url, share, node), not options.without_peers)
    figures = compare(on_redis, on_rabbitmq)
    show(figures, medians_of_peers([*on_redis.duels, *on_rabbitmq.duels]))
    print(json.dumps(figures))


def in_rounds(side: OnRedis | OnRabbitMQ, with_peers: bool) -> Measured:
    """Measure one broker: our side after each peer, or alone."""
    peers: list[str | None] = [None]
    if with_peers:
        peers = [peer.name for peer in PEERS if peer.broker == side.broker]
    duels, batches = [], []
    rounds = ROUNDS + ROUNDS_OF_DECIDING if with_peers else ROUNDS
    for number in range(1, rounds + 1):
        console.print(f"{side.broker}: round {number} of {rounds}")
        if number == ROUNDS + 1:
            peers = [*deciding(duels)]
        for peer in peers:
            figures = side.peer(peer) if peer else None
            duels.append(Duel(side.broker, figures, side.single()))
        batches.append(side.batches())
    return Measured(duels, batches, side.measure_once())


class _Side:
    """Our workers and clients on one broker, and the peers there."""

    broker: str
    amqp_url: str | None = None

    def __init__(self, folder: Path, redis_url: str, share: float, environment: dict[str, str]) -> None:
        self._redis_url = redis_url
        self._connection = redis.Redis.from_url(redis_url)
        self._share = share
        self._ours = Ours(folder / f"on-{self.broker}", redis_url, {"TASK_QUEUE_BACKEND": self.broker} | environment)

    def jobs(self, number: int) -> int:
        return int(number * self._share)

    def peer(self, name: str) -> PeerFigures:
        """Measure a peer, RQ with few jobs because they take long."""
        console.print(f"  {name}")
        jobs = 200 if name == "rq" else self.jobs(2_500)
        return measure(name, self.broker, ENVIRONMENTS, self._redis_url, self.amqp_url, jobs, self.jobs(400))

    def batches(self) -> float:
        """Tasks each second, in batches."""
        self._step("batches")
        return self._ours.batched_tasks_per_s(self.jobs(60_000))

    def _step(self, what: str) -> None:
        console.print(f"    ours: {what}")
        self._connection.flushall()


class OnRedis(_Side):
    """Our jobs in RQ's lists."""

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
    """Our jobs over RabbitMQ."""

    broker = "rabbitmq"

    def __init__(self, folder: Path, redis_url: str, share: float, node: RabbitMQNode) -> None:
        super().__init__(folder, redis_url, share, {"RABBITMQ_HOST": node.host, "RABBITMQ_PORT": str(node.port)})
        self.amqp_url = node.url

    def single(self) -> Speed:
        """Single jobs, confirmed in windows."""
        self._step("single jobs")
        return Speed(self._ours.single_jobs_per_s(self.jobs(5_000), WINDOW))

    def measure_once(self) -> dict[str, float]:
        figures: dict[str, float] = {}
        self._step("single jobs, each confirmed before the next")
        figures["each_confirmed"] = self._ours.single_jobs_per_s(self.jobs(3_000))
        self._step("latency")
        figures["p50_ms"], figures["p99_ms"] = self._ours.latency_ms(self.jobs(1_000))
        return figures


if __name__ == "__main__":
    main()
