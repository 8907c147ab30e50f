"""A real broker for all tests of the session, and lanes that no other test uses."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from rabbitmq_node import INSTALL, RabbitMQNode
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport, topology
from rider_queue_rabbitmq.topology import MISSING_QUEUE_S, NEW_QUEUE_S

from rider_core.testing.redis_fixtures import connection, valkey, valkey_lender
from rider_core.testing.waiting import let_pass

__all__ = ["connection", "valkey", "valkey_lender"]


@pytest.fixture(scope="session")
def running_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQNode]:
    if not RabbitMQNode.is_installed():
        message = f"needs a RabbitMQ: {INSTALL}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    node = RabbitMQNode(tmp_path_factory.mktemp("rabbitmq"))
    node.start()
    yield node
    node.stop()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """New queues are used at once, because nearly every test makes some.

    Tests that kill the broker or delete queues ask for `unhurried`; `RabbitMQNode.kill` fails without it.
    """
    monkeypatch.setattr(topology, "MISSING_QUEUE_S", 0.0)
    monkeypatch.setattr(topology, "NEW_QUEUE_S", 0.0)


@pytest.fixture
def unhurried(hurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits of the product; and the queues of the test before are older than that, because all tests share some."""
    monkeypatch.setattr(topology, "MISSING_QUEUE_S", MISSING_QUEUE_S)
    monkeypatch.setattr(topology, "NEW_QUEUE_S", NEW_QUEUE_S)
    let_pass(NEW_QUEUE_S, "RabbitMQ saves its list of queues, without a notification")


@pytest.fixture
def node(running_node: RabbitMQNode) -> Iterator[RabbitMQNode]:
    """The broker, up when the test begins; a test that stops it may leave it so."""
    running_node.may_be_killed = topology.NEW_QUEUE_S == NEW_QUEUE_S
    yield running_node
    running_node.resume()
    if not running_node.is_running():
        running_node.start()


@pytest.fixture
def settings(node: RabbitMQNode) -> RabbitSettings:
    return RabbitSettings(host=node.host, port=node.port)


@pytest.fixture
def transport(settings: RabbitSettings) -> Iterator[RabbitTransport]:
    transport = RabbitTransport(settings)
    yield transport
    transport.close()


@pytest.fixture
def lane() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def channel(node: RabbitMQNode) -> Iterator[BlockingChannel]:
    """A stranger's access to the broker."""
    connection = pika.BlockingConnection(pika.URLParameters(node.url))
    yield connection.channel()
    if connection.is_open:
        connection.close()
