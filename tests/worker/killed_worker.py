"""Workers that kill themselves (SIGKILL) right after they dequeued a job: ours, and stock RQ's for comparison.

Usage: python killed_worker.py ours|stock REDIS_URL PROBABILITY SEED QUEUE...
"""

from __future__ import annotations

import os
import random
import signal
import sys

import redis
from rq import SimpleWorker

from rider_core.worker import ProviderWorker


def perhaps_die(dice: random.Random, probability: float) -> None:
    if dice.random() < probability:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    kind, url, probability, seed, *queues = sys.argv[1:]
    dice = random.Random(int(seed))

    class OurWorker(ProviderWorker):
        def execute_job(self, job: object, queue: object) -> None:
            perhaps_die(dice, float(probability))
            super().execute_job(job, queue)

        def _limits(self) -> dict[str, int]:
            # Without batching, as in stock RQ; batches are tested in tests/faults.
            return {}

    class StockWorker(SimpleWorker):
        def execute_job(self, job: object, queue: object) -> None:
            perhaps_die(dice, float(probability))
            super().execute_job(job, queue)  # type: ignore[arg-type]

    worker_class = OurWorker if kind == "ours" else StockWorker
    worker_class(queues, connection=redis.Redis.from_url(url)).work(burst=kind == "stock")


if __name__ == "__main__":
    main()
