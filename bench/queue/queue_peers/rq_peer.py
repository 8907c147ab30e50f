"""Stock RQ with its SimpleWorker: JSON, results in their streams, fetched with a blocking XREAD."""

from __future__ import annotations

from driving import PAYLOAD, RESULT, RESULT_TIMEOUT_S, Settings, connect, drive_handles
from rq import Queue
from rq.job import Job


def no_op(payload: str) -> int:
    return RESULT


def fetch(job: Job) -> object:
    result = job.latest_result(timeout=RESULT_TIMEOUT_S)
    return result.return_value if result else None


def main() -> None:
    settings = Settings.read()
    queue = Queue(settings.queue, connection=connect(settings.redis_url), serializer="json")
    drive_handles("rq", lambda: queue.enqueue(no_op, PAYLOAD), fetch)
