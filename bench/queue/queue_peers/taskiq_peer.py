"""TaskIQ on Redis streams and on RabbitMQ's quorum queues (confirmed, persistent): JSON, results in Redis, uvloop.

The list broker of taskiq-redis did 3 to 10 % more jobs in single runs, and loses what a killed worker took.
"""

from __future__ import annotations

import asyncio
import time

import uvloop
from driving import PAYLOAD, POLL_S, RESULT, RESULT_TIMEOUT_S, Settings, check, drive
from taskiq import AsyncBroker, AsyncTaskiqTask
from taskiq.serializers import JSONSerializer
from taskiq_aio_pika import AioPikaBroker
from taskiq_aio_pika.queue import Queue
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

#: Results that are asked for at the same time: as many as its pool has connections.
FETCH_TOGETHER = 50

settings = Settings.read()


def make_broker() -> AsyncBroker:
    if settings.broker == "rabbitmq":
        return AioPikaBroker(settings.amqp_url, qos=100).with_queues(Queue(name=settings.queue))
    return RedisStreamBroker(settings.redis_url, queue_name=settings.queue)


broker = make_broker().with_result_backend(RedisAsyncResultBackend(settings.redis_url, serializer=JSONSerializer()))


@broker.task(task_name="no_op")
async def no_op(payload: str) -> int:
    return RESULT


async def fetch(task: AsyncTaskiqTask[int]) -> None:
    result = await task.wait_result(check_interval=POLL_S, timeout=RESULT_TIMEOUT_S)
    check(result.return_value)


async def run_jobs(count: int) -> None:
    tasks = [await no_op.kiq(PAYLOAD) for _ in range(count)]
    for start in range(0, count, FETCH_TOGETHER):
        await asyncio.gather(*(fetch(task) for task in tasks[start : start + FETCH_TOGETHER]))


async def latencies_s(count: int) -> list[float]:
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        await fetch(await no_op.kiq(PAYLOAD))
        seconds.append(time.perf_counter() - started)
    return seconds


def main() -> None:
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    run = loop.run_until_complete
    run(broker.startup())
    drive("taskiq", lambda count: run(run_jobs(count)), lambda count: run(latencies_s(count)))
    run(broker.shutdown())
