"""RabbitMQ is lost, refuses, blocks or does not answer; queues are deleted. Kills are in `test_rabbitmq_deaths.py`."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from pathlib import Path

import pytest
from pika.adapters.blocking_connection import BlockingChannel
from proxy_in_tests import Proxy
from pydantic import SecretStr
from rabbitmq_node import RabbitMQNode
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport
from rider_queue_rabbitmq.publish_session import PublishSession
from rider_queue_rabbitmq.publisher import Publisher
from tickets_in_tests import PATIENCE_S, Publishing, drain, job_ids, job_ids_of, take, ticket, tickets, until_available

from rider_core.api import HealthStatus, TicketConsumer
from rider_core.errors import BackendUnavailable
from rider_core.testing import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def no_server() -> RabbitSettings:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return RabbitSettings(port=probe.getsockname()[1])


def reconnected(consumer: TicketConsumer, old: int) -> bool:
    """Whether the consumer has another connection than `old`."""
    return consumer.connection > old


def test_no_broker(no_server: RabbitSettings) -> None:
    transport = RabbitTransport(no_server)
    begun = time.monotonic()
    with pytest.raises(BackendUnavailable, match="cannot be reached") as caught:
        transport.publish([ticket("job-1", "text")])
    assert time.monotonic() - begun < 3
    assert "apt-get install rabbitmq-server" in str(caught.value)
    consumer = transport.consumer(["text"])
    with pytest.raises(BackendUnavailable, match="RabbitMQ at"):
        consumer.fetch(0.0)
    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        consumer.fetch(1.0)
    assert consumer.connection == 0
    found = transport.health()
    assert found.status is HealthStatus.UNAVAILABLE
    assert found.remedy is not None
    assert "RABBITMQ_HOST" in found.remedy
    transport.close()


def test_an_unknown_host_and_one_that_does_not_answer() -> None:
    assert RabbitTransport(RabbitSettings(host="nowhere.invalid")).health().status is HealthStatus.UNAVAILABLE
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        begun = time.monotonic()
        found = RabbitTransport(RabbitSettings(port=deaf.getsockname()[1])).health()
        assert time.monotonic() - begun < 5
        assert found.status is HealthStatus.UNAVAILABLE


def test_wrong_password(settings: RabbitSettings, caplog: pytest.LogCaptureFixture) -> None:
    canary = "canary-8472"
    transport = RabbitTransport(RabbitSettings(port=settings.port, password=canary))
    consumer = transport.consumer(["text"])
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(BackendUnavailable, match="RABBITMQ_PASSWORD") as caught:
            transport.publish([ticket("job-1", "text")])
        with pytest.raises(BackendUnavailable, match="RABBITMQ_PASSWORD"):
            consumer.fetch(3.0)
        found = transport.health()
    assert found.status is HealthStatus.UNAVAILABLE
    transport.close()
    for text in ("".join(traceback.format_exception(caught.value)), caplog.text, repr(found), repr(vars(transport))):
        assert canary not in text


def test_wrong_virtual_host(settings: RabbitSettings) -> None:
    transport = RabbitTransport(RabbitSettings(port=settings.port, vhost="elsewhere"))
    with pytest.raises(BackendUnavailable, match="RABBITMQ_VHOST"):
        transport.publish([ticket("job-1", "text")])
    transport.close()


def test_a_refusal_before_anything_is_submitted_is_told_at_once(
    settings: RabbitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the connection's thread may be at its end when the caller's goes on."""
    start = PublishSession.start

    def start_and_end(session: PublishSession) -> None:
        start(session)
        session._thread.join(PATIENCE_S)

    monkeypatch.setattr(PublishSession, "start", start_and_end)
    publisher = Publisher(settings.model_copy(update={"vhost": "elsewhere"}), confirm_limit_s=2.0)
    with pytest.raises(BackendUnavailable, match="RABBITMQ_VHOST"):
        publisher.publish([ticket("job-1", "text")], 0.0)
    publisher.close()


def test_a_queue_of_another_form(transport: RabbitTransport, channel: BlockingChannel, lane: str) -> None:
    """One lane is refused with the remedy; what others publish meanwhile arrives."""
    channel.queue_declare(f"rider.{lane}", durable=True)
    good = f"{lane}-good"
    transport.publish([ticket("warm-up", good)])
    publishing = Publishing(transport, good)
    publishing.start()
    try:
        for _ in range(10):
            with pytest.raises(BackendUnavailable, match="delete_queue") as caught:
                transport.publish([ticket("job-1", lane)])
    finally:
        publishing.end()
    assert f"rider.{lane}" in str(caught.value)
    assert publishing.confirmed
    assert publishing.refused == 0
    with pytest.raises(BackendUnavailable, match="delete_queue"):
        transport.consumer([lane]).fetch(3.0)


def test_unroutable(transport: RabbitTransport, channel: BlockingChannel, lane: str) -> None:
    """RabbitMQ confirms what it has thrown away, too: what it returned counts as not accepted."""
    transport.publish([ticket("job-1", lane)])
    channel.queue_delete(f"rider.{lane}")
    with pytest.raises(BackendUnavailable, match="no queue"):
        transport.publish([ticket("job-2", lane)])
    transport.publish([ticket("job-3", lane)])
    assert job_ids(drain(transport.consumer([lane]), 1)) == ["job-3"]


def test_refused(transport: RabbitTransport, lane: str, node: RabbitMQNode) -> None:
    """A full queue: RabbitMQ says no to what exceeds it."""
    transport.publish([ticket("job-1", lane)])
    node.control("set_policy", "small", f"^rider.{lane}$", '{"max-length": 5}', "--apply-to", "queues")
    try:

        def overfill() -> bool:
            try:
                transport.publish(tickets(20, lane))
            except BackendUnavailable as error:
                return "refused" in str(error)
            return False

        wait_until(overfill, timeout_s=PATIENCE_S)
    finally:
        node.control("clear_policy", "small")


@pytest.mark.usefixtures("unhurried")
def test_a_deleted_queue_is_made_anew(transport: RabbitTransport, channel: BlockingChannel, lane: str) -> None:
    other = f"{lane}-other"
    consumer = transport.consumer([lane, other])
    transport.publish([ticket("warm-up", lane), ticket("held", other)])
    held = take(consumer, 2)
    number = consumer.connection
    channel.queue_delete(f"rider.{lane}")
    until_available(lambda: transport.publish([ticket("job-1", lane)]))
    assert job_ids(drain(consumer, 1)) == ["job-1"]
    consumer.settle(held)  # one of them went with its queue, the other is as it was
    transport.publish([ticket("job-2", lane), ticket("job-3", other)])
    assert sorted(job_ids(drain(consumer, 2))) == ["job-2", "job-3"]
    assert consumer.connection == number


def test_a_lost_connection(
    transport: RabbitTransport, node: RabbitMQNode, lane: str, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = transport.consumer([lane])
    consumer.set_prefetch(10)
    transport.publish(tickets(10, lane))
    held = take(consumer, 10)
    old = consumer.connection
    consumer.settle(held[:5])
    with caplog.at_level(logging.WARNING):
        wait_until(lambda: settled_count(node, lane) == 5, timeout_s=PATIENCE_S)
        node.control("close_all_connections", "a test")
        wait_until(lambda: reconnected(consumer, old), timeout_s=PATIENCE_S)
    consumer.settle(held)  # theirs is another connection: nothing happens
    consumer.release(held)
    again = take(consumer, 5)
    assert sorted(job_ids(again)) == job_ids(held[5:])
    assert all(each.redelivered for each in again)
    number = consumer.connection
    assert {each.connection for each in again} == {number}
    consumer.settle(held)  # nor does anything happen to those that have the same numbers now
    assert consumer.fetch(0.3) == []
    consumer.release(again)
    again = take(consumer, 5)
    consumer.settle(again)
    until_available(lambda: transport.publish([ticket("after", lane)]))
    assert job_ids(drain(consumer, 1)) == ["after"]
    assert consumer.connection == number


def test_a_channel_that_rabbitmq_closes(transport: RabbitTransport, lane: str) -> None:
    """As when a job was held beyond `consumer_timeout`: the worker must see that its tickets are lost."""
    transport.publish([ticket("job-1", lane)])
    consumer = transport.consumer([lane])
    (held,) = take(consumer, 1)
    subscription, channel = consumer._subscription, held.token[0]._channel
    subscription._io.call(lambda: channel.basic_ack(99))  # a mistake closes a channel, too
    (again,) = take(consumer, 1)
    assert again.redelivered
    assert again.connection == consumer.connection > held.connection
    consumer.settle([again])


def test_what_was_not_fetched_comes_over_the_new_connection(
    transport: RabbitTransport, node: RabbitMQNode, lane: str
) -> None:
    """It waits in our memory when the connection is lost, and RabbitMQ delivers it once more: one must be dropped."""
    consumer = transport.consumer([lane])
    consumer.set_prefetch(10)
    transport.publish([ticket("warm-up", lane)])
    drain(consumer, 1)
    transport.publish(tickets(10, lane))
    wait_until(lambda: unacknowledged(node, lane) == 10, timeout_s=PATIENCE_S)
    old = consumer.connection
    node.control("close_all_connections", "a test")
    wait_until(lambda: reconnected(consumer, old), timeout_s=PATIENCE_S)
    arrived = drain(consumer, 10)
    assert sorted(job_ids(arrived)) == job_ids_of(10)
    assert {each.connection for each in arrived} == {consumer.connection}
    assert consumer.fetch(0.3) == []


def settled_count(node: RabbitMQNode, lane: str) -> int:
    """How many of ten messages were acknowledged."""
    return 10 - column(node, lane, "messages")


def unacknowledged(node: RabbitMQNode, lane: str) -> int:
    return column(node, lane, "messages_unacknowledged")


def column(node: RabbitMQNode, lane: str, name: str) -> int:
    """A number that RabbitMQ states about a lane's queue; it may be some seconds old."""
    rows = node.control("list_queues", "name", name, "--no-table-headers").splitlines()
    return int(dict(row.split() for row in rows)[f"rider.{lane}"])


def test_heartbeats_go_on_while_a_job_computes(transport: RabbitTransport, settings: RabbitSettings, lane: str) -> None:
    """The worker's thread does not come back for several heartbeats; RabbitMQ would give up after three seconds."""
    transport.publish([ticket("job-1", lane)])
    patient = RabbitTransport(settings.model_copy(update={"heartbeat_s": 1}))
    consumer = patient.consumer([lane])
    held = take(consumer, 1)
    end = time.monotonic() + 5.0
    while time.monotonic() < end:
        sum(range(1000))
    assert consumer.connection == held[0].connection
    consumer.settle(held)
    assert consumer.fetch(0.3) == []
    patient.close()


def test_a_silent_broker(settings: RabbitSettings, node: RabbitMQNode, lane: str) -> None:
    """SIGSTOP: the socket stays open. The caller gets an error in time, and later callers are not blocked."""
    publisher = Publisher(settings, confirm_limit_s=1.0)
    publisher.publish([ticket("job-1", lane)], 0.0)
    node.pause()
    begun = time.monotonic()
    with pytest.raises(BackendUnavailable, match="not confirmed"):
        publisher.publish([ticket("job-2", lane)], 0.0)
    assert time.monotonic() - begun < 3
    node.resume()
    until_available(lambda: publisher.publish([ticket("job-3", lane)], 0.0))
    publisher.close()


def test_a_connection_that_swallows(settings: RabbitSettings, node: RabbitMQNode, lane: str) -> None:
    """A firewall forgot it: no error, no answer. The next one to publish gets another connection."""
    with Proxy(node.port) as proxy:
        publisher = Publisher(settings.model_copy(update={"port": proxy.port}), confirm_limit_s=1.0)
        publisher.publish([ticket("job-1", lane)], 0.0)
        proxy.swallow()
        with pytest.raises(BackendUnavailable, match="not confirmed"):
            publisher.publish([ticket("job-2", lane)], 0.0)
        publisher.publish([ticket("job-3", lane)], 0.0)
        publisher.close()


def test_the_permissions_of_the_readme_are_enough(settings: RabbitSettings, node: RabbitMQNode, lane: str) -> None:
    words = (Path(__file__).parent.parent / "README.md").read_text().split("set_permissions -p / USER ")[1]
    patterns = [each.strip("'`.") for each in words.split()[:3]]
    node.control("add_user", lane, "secret")
    node.control("set_permissions", "-p", "/", lane, *patterns)
    transport = RabbitTransport(settings.model_copy(update={"user": lane, "password": SecretStr("secret")}))
    transport.publish([ticket("job-1", lane)])
    transport.publish([ticket("job-2", lane)], 0.15)
    assert job_ids(drain(transport.consumer([lane]), 2)) == ["job-1", "job-2"]
    node.control("set_permissions", "-p", "/", lane, "^$", "^$", "^$")
    transport.close()
    refused = RabbitTransport(settings.model_copy(update={"user": lane, "password": SecretStr("secret")}))
    with pytest.raises(BackendUnavailable, match="set_permissions"):
        refused.publish([ticket("job-3", lane)])
    refused.close()


def test_a_broker_under_an_alarm(transport: RabbitTransport, node: RabbitMQNode, lane: str) -> None:
    """Low on memory it stops reading from those who publish. They are told at once; workers work on."""
    transport.publish(tickets(2, lane))
    consumer = transport.consumer([lane])
    node.control("set_vm_memory_high_watermark", "0")
    try:
        for number in range(3):
            begun = time.monotonic()
            with pytest.raises(BackendUnavailable, match="takes no messages for now") as caught:
                transport.publish([ticket(f"blocked-{number}", lane)])
            assert time.monotonic() - begun < 5
        assert "alarms" in str(caught.value)
        assert job_ids(drain(consumer, 2)) == job_ids_of(2)
        assert transport.health().status is HealthStatus.OK
    finally:
        node.control("set_vm_memory_high_watermark", "0.4")
    until_available(lambda: transport.publish([ticket("after", lane)]))
    wait_until(lambda: "after" in job_ids(drain(consumer, 1)), timeout_s=PATIENCE_S)


def test_close_under_an_alarm_does_not_hang(settings: RabbitSettings, node: RabbitMQNode, lane: str) -> None:
    transport = RabbitTransport(settings)
    transport.publish([ticket("job-1", lane)])
    node.control("set_vm_memory_high_watermark", "0")
    try:
        with pytest.raises(BackendUnavailable):
            transport.publish([ticket("job-2", lane)])
        begun = time.monotonic()
        transport.close()
        assert time.monotonic() - begun < 5
    finally:
        node.control("set_vm_memory_high_watermark", "0.4")
    assert "rider-rabbitmq-publisher" not in [each.name for each in threading.enumerate()]
