"""Celery on Redis and on RabbitMQ: JSON, results in Redis (the client is told of each through pub/sub), no events."""

from __future__ import annotations

from celery import Celery
from celery.result import AsyncResult
from driving import PAYLOAD, RESULT, RESULT_TIMEOUT_S, Settings, drive_handles

settings = Settings.read()
#: Celery has its own name for a Unix socket.
redis_url = settings.redis_url.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
on_rabbitmq = settings.broker == "rabbitmq"
app = Celery("celery_peer", broker=settings.amqp_url if on_rabbitmq else redis_url, backend=redis_url)
app.conf.update(
    task_default_queue=settings.queue,
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=100,
    worker_disable_rate_limits=True,
    worker_send_task_events=False,
    task_send_sent_event=False,
    # Queues are durable and messages persistent by themselves; confirms are not on by default.
    broker_transport_options={"confirm_publish": settings.peer != "celery-unconfirmed"} if on_rabbitmq else {},
)


@app.task(name="no_op")
def no_op(payload: str) -> int:
    return RESULT


def fetch(result: AsyncResult) -> object:
    return result.get(timeout=RESULT_TIMEOUT_S)


def main() -> None:
    drive_handles("celery", lambda: no_op.delay(PAYLOAD), fetch)
