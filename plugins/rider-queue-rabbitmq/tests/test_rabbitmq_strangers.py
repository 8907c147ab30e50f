"""Messages of other programs in our queues do no harm, and are kept for a person to look at."""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Callable

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import BasicProperties
from rabbitmq_node import RabbitMQNode
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport, topology
from rider_queue_rabbitmq.tickets import MAX_BODY_BYTES, to_properties
from tickets_in_tests import PATIENCE_S, drain, job_ids, ticket

from rider_core.testing import wait_until


class RawHeaders(BasicProperties):
    """Properties with one header in wire form: RabbitMQ takes more than pika can write, or read."""

    def __init__(self, wire: bytes) -> None:
        super().__init__()
        self._wire = b"\x01h" + wire

    def encode(self) -> list[bytes]:
        return [struct.pack(">HI", BasicProperties.FLAG_HEADERS, len(self._wire)), self._wire]


def nested(depth: int) -> bytes:
    """A list in a list in a list ..."""
    wire = b""
    for _ in range(depth):
        wire = b"A" + struct.pack(">I", len(wire)) + wire
    return wire


STRANGERS: dict[str, Callable[[], tuple[BasicProperties, bytes]]] = {
    "nothing": lambda: (BasicProperties(), b""),
    "other program": lambda: (BasicProperties(message_id="7", headers={"x-match": "all"}), b"<xml/>"),
    "binary names": lambda: (BasicProperties(message_id=b"\xff\xfe", type=b"\xff"), b"\x00"),
    "float": lambda: (RawHeaders(b"d" + struct.pack(">d", 1.5)), b"{}"),
    "far future": lambda: (RawHeaders(b"T" + struct.pack(">Q", 2**62)), b"{}"),
    "deep": lambda: (RawHeaders(nested(5000)), b"{}"),
    "large": lambda: (to_properties(ticket("large", "text")), bytes(MAX_BODY_BYTES + 1)),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_strangers_message_is_put_aside(
    transport: RabbitTransport,
    channel: BlockingChannel,
    lane: str,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    consumer = transport.consumer([lane])
    transport.publish([ticket("before", lane)])
    drain(consumer, 1)
    number = consumer.connection
    channel.queue_purge("rider.dead")
    properties, body = STRANGERS[name]()
    with caplog.at_level(logging.WARNING):
        channel.basic_publish("", f"rider.{lane}", body, properties)
        transport.publish([ticket("after", lane)])
        assert job_ids(drain(consumer, 1)) == ["after"]
        wait_until(lambda: messages_in(channel, "rider.dead") == 1, timeout_s=PATIENCE_S)
    assert consumer.connection == number
    (complaint,) = [each.getMessage() for each in caplog.records if "is not a job" in each.getMessage()]
    assert f"rider.{lane}" in complaint
    channel.queue_purge("rider.dead")


def messages_in(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def test_a_flood_of_them_does_not_flood_the_log(
    transport: RabbitTransport, channel: BlockingChannel, lane: str, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = transport.consumer([lane])
    consumer.set_prefetch(50)
    transport.publish([ticket("before", lane)])
    drain(consumer, 1)
    channel.queue_purge("rider.dead")
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            channel.basic_publish("", f"rider.{lane}", b"?")
        transport.publish([ticket("after", lane)])
        assert job_ids(drain(consumer, 1)) == ["after"]
    assert 1 <= len([each for each in caplog.records if "is not a job" in each.getMessage()]) <= 10
    wait_until(lambda: messages_in(channel, "rider.dead") == 1000, timeout_s=PATIENCE_S)
    channel.queue_purge("rider.dead")


def test_a_ticket_that_is_always_released_ends_in_the_dead_queue(
    node: RabbitMQNode, settings: RabbitSettings, lane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker's own backstop, with a lower limit that is not RabbitMQ 4's own, which is 20."""
    monkeypatch.setattr(topology, "_DELIVERY_LIMIT", 50)
    own_vhost = settings.model_copy(update={"vhost": lane})  # queues keep the limit that they were made with
    node.control("add_vhost", lane)
    node.control("set_permissions", "--vhost", lane, "guest", ".*", ".*", ".*")
    transport = RabbitTransport(own_vhost)
    transport.publish([ticket("poison", lane)])
    consumer = transport.consumer([lane])
    with pika.BlockingConnection(own_vhost.parameters(5.0)) as stranger:
        channel = stranger.channel()
        deadline = time.monotonic() + PATIENCE_S
        deliveries = 0
        while messages_in(channel, "rider.dead") == 0:
            assert time.monotonic() < deadline
            arrived = consumer.fetch(0.2)
            deliveries += len(arrived)
            consumer.release(arrived)
    transport.close()
    assert deliveries == 51
