"""Dramatiq with its default middleware, on Redis and on RabbitMQ; JSON, results in Redis, fetched with BRPOPLPUSH."""

from __future__ import annotations

import itertools

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from driving import PAYLOAD, RESULT, RESULT_TIMEOUT_S, Settings, connect, drive_handles

settings = Settings.read()
server = connect(settings.redis_url)


def make_broker() -> dramatiq.Broker:
    if settings.broker == "redis":
        return RedisBroker(client=server)
    # Its queues are durable and its messages persistent by themselves.
    return RabbitmqBroker(url=settings.amqp_url, confirm_delivery=settings.peer != "dramatiq-unconfirmed")


broker = make_broker()
broker.add_middleware(Results(backend=RedisBackend(client=server)))
dramatiq.set_broker(broker)
#: Next is atomic, and the worker is one process: it counts without a lock or a server.
done = itertools.count(1)


@dramatiq.actor(queue_name=settings.queue, store_results=True)
def no_op(payload: str) -> int:
    return RESULT


@dramatiq.actor(queue_name=settings.queue)
def no_op_without_result(payload: str, last: int) -> None:
    if next(done) == last:
        server.rpush(settings.queue, last)


class WithoutResults:
    """Submits jobs that store nothing, and waits for the worker's message that all of them are done."""

    def __init__(self) -> None:
        self.submitted = 0

    def __call__(self, count: int) -> None:
        self.submitted += count
        for _ in range(count):
            no_op_without_result.send(PAYLOAD, self.submitted)
        if server.blpop([settings.queue], timeout=RESULT_TIMEOUT_S) is None:
            raise RuntimeError(f"{count} jobs without results were not done {RESULT_TIMEOUT_S} s after the last submit")


def fetch(message: dramatiq.Message) -> object:
    return message.get_result(block=True, timeout=1000 * RESULT_TIMEOUT_S)


def main() -> None:
    drive_handles("dramatiq", lambda: no_op.send(PAYLOAD), fetch, WithoutResults())
