"""RabbitMQ goes away, refuses, blocks or says nothing; queues vanish; processes fork and die."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
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
from rider_queue_rabbitmq.publisher import Publisher
from tickets_in_tests import PATIENCE_S, drain, job_ids, take, ticket, tickets, until_available

from rider_core.api import Delivery, HealthStatus, TicketConsumer
from rider_core.errors import BackendUnavailable
from rider_core.testing import wait_until


@pytest.fixture
def nobody() -> RabbitSettings:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return RabbitSettings(port=probe.getsockname()[1])


def reconnected(consumer: TicketConsumer, old: int) -> bool:
    """Whether the consumer has another connection than `old`."""
    return consumer.connection > old


def test_no_broker(nobody: RabbitSettings) -> None:
    transport = RabbitTransport(nobody)
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


def test_an_unknown_host_and_a_deaf_one(nobody: RabbitSettings) -> None:
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


def test_a_queue_of_another_form(transport: RabbitTransport, channel: BlockingChannel, lane: str) -> None:
    """One lane is refused with the remedy; what others publish meanwhile arrives."""
    channel.queue_declare(f"rider.{lane}", durable=True)
    good = f"{lane}-good"
    transport.publish([ticket("warm-up", good)])
    publishing = _Publishing(transport, good)
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
    """How many of ten are gone from the queue."""
    return 10 - column(node, lane, "messages")


def unacknowledged(node: RabbitMQNode, lane: str) -> int:
    return column(node, lane, "messages_unacknowledged")


def column(node: RabbitMQNode, lane: str, name: str) -> int:
    """A number that RabbitMQ states about a lane's queue; it may be some seconds old."""
    rows = node.control("list_queues", "name", name, "--no-table-headers").splitlines()
    return int(dict(row.split() for row in rows)[f"rider.{lane}"])


def test_a_killed_worker(transport: RabbitTransport, settings: RabbitSettings, lane: str) -> None:
    """SIGKILL while it holds tickets: they come to another worker, marked."""
    transport.publish(tickets(3, lane))
    program = f"""
import sys, time
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport
consumer = RabbitTransport(RabbitSettings(port={settings.port})).consumer([{lane!r}])
consumer.set_prefetch(3)
taken = 0
while taken < 3:
    taken += len(consumer.fetch(30.0))
print("taken", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"taken\n"
        worker.send_signal(signal.SIGKILL)
    again = drain(transport.consumer([lane]), 3)
    assert sorted(job_ids(again)) == job_ids_of(3)
    assert all(each.redelivered for each in again)


def job_ids_of(count: int) -> list[str]:
    return [each.job_id for each in tickets(count, "any")]


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
    """SIGSTOP: the socket stays open. The caller is told in time, and those after it are not held up for ever."""
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


def test_fork(settings: RabbitSettings, transport: RabbitTransport, lane: str) -> None:
    """Parent and child publish over connections of their own, before and after."""
    program = f"""
import os
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport
from rider_core.api import Ticket
def ticket(name, lane={lane!r}):
    return Ticket(name, lane, "text.generate", 0, False, 1.0, b"{{}}")
transport = RabbitTransport(RabbitSettings(port={settings.port}))
transport.publish([ticket("before"), ticket("other", "other-{lane}")])
consumer = transport.consumer(["other-{lane}"])
assert len(consumer.fetch(30.0)) == 1
child = os.fork()
transport.publish([ticket("child" if child == 0 else "parent")])
if child == 0:
    transport.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
transport.publish([ticket("after")])
transport.close()
"""
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", program], check=True, timeout=PATIENCE_S)
    consumer = transport.consumer([lane])
    assert sorted(job_ids(drain(consumer, 4))) == ["after", "before", "child", "parent"]


class _Publishing(threading.Thread):
    """Publishes tickets by the five until told to stop, some of them delayed; keeps the ids of the confirmed ones."""

    def __init__(self, transport: RabbitTransport, lane: str) -> None:
        super().__init__()
        self._transport = transport
        self._lane = lane
        self._ended = threading.Event()
        self.confirmed: list[str] = []
        self.refused = 0

    def run(self) -> None:
        number = 0
        while not self._ended.is_set():
            batch = tickets(5, self._lane, prefix=f"{self.ident}-{number}")
            number += 1
            try:
                self._transport.publish(batch, 0.5 if number % 5 == 0 else 0.0)
            except BackendUnavailable:
                self.refused += 1
                self._ended.wait(0.05)
            else:
                self.confirmed += [each.job_id for each in batch]

    def end(self) -> None:
        self._ended.set()
        self.join(PATIENCE_S)


class _Consuming(threading.Thread):
    """Takes and settles until told to stop; keeps what came."""

    def __init__(self, consumer: TicketConsumer) -> None:
        super().__init__()
        self._consumer = consumer
        self._ended = threading.Event()
        self.received: list[Delivery] = []

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                arrived = self._consumer.fetch(0.5)
            except BackendUnavailable:
                continue
            self.received += arrived
            self._consumer.settle(arrived)

    def end(self) -> None:
        self._ended.set()
        self._consumer.wake()
        self.join(PATIENCE_S)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("delay_s", [0.0, 2.0])
def test_the_first_ticket_of_a_new_queue_survives(
    transport: RabbitTransport, node: RabbitMQNode, lane: str, delay_s: float
) -> None:
    """RabbitMQ 3.10 confirms it, and has yet to write down that the queue exists."""
    transport.publish([ticket("first", lane)], delay_s)
    node.kill()
    node.start()
    until_available(lambda: transport.publish([ticket("second", lane)], delay_s))
    assert set(job_ids(drain(transport.consumer([lane]), 2))) == {"first", "second"}


@pytest.mark.slow
@pytest.mark.usefixtures("unhurried")
def test_a_killed_broker_loses_nothing_that_it_confirmed(
    transport: RabbitTransport, node: RabbitMQNode, lane: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGKILL in the midst of publishing, consuming, acknowledging and dead-lettering, three times."""
    consumer = transport.consumer([lane])
    consumer.set_prefetch(20)
    publishing = [_Publishing(transport, lane) for _ in range(3)]
    consuming = _Consuming(consumer)
    with caplog.at_level(logging.WARNING):
        for thread in (*publishing, consuming):
            thread.start()
        try:
            for _ in range(3):
                done = len(consuming.received)
                wait_until(lambda done=done: len(consuming.received) > done + 200, timeout_s=PATIENCE_S)
                refused = publishing[0].refused
                node.kill()
                wait_until(lambda before=refused: publishing[0].refused > before + 2, timeout_s=PATIENCE_S)
                node.start()
        finally:
            for thread in publishing:
                thread.end()
        confirmed = {job_id for thread in publishing for job_id in thread.confirmed}
        try:
            wait_until(lambda: confirmed <= set(job_ids(consuming.received)), timeout_s=PATIENCE_S)
        finally:
            consuming.end()
    assert len(confirmed) > 500
    texts = [each.getMessage() for each in caplog.records if each.name.startswith("rider_queue_rabbitmq")]
    assert len([each for each in texts if each.startswith("No jobs arrive")]) == 3
    assert len([each for each in texts if "is back after" in each]) == 3


def test_the_node_leaves_nothing_behind(tmp_path: Path) -> None:
    """The tests' own broker: neither beam nor epmd outlives it, and the folder is all it wrote to."""
    node = RabbitMQNode(tmp_path)
    node.start()
    node.stop()
    mine = [
        entry
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(tmp_path).encode() in environment_of(entry)
    ]
    assert mine == []
    assert os.listdir(tmp_path)


def environment_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it has ended, or is another user's
        return b""
