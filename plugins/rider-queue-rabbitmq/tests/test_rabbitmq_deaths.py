"""Workers and brokers are killed, processes fork; nothing that was confirmed is lost and nothing is left behind."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rabbitmq_node import RabbitMQNode
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport
from tickets_in_tests import PATIENCE_S, Publishing, drain, job_ids, job_ids_of, ticket, tickets, until_available

from rider_core.api import Delivery, TicketConsumer
from rider_core.errors import BackendUnavailable
from rider_core.testing import wait_until

pytestmark = pytest.mark.slow


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


def test_fork(settings: RabbitSettings, transport: RabbitTransport, lane: str) -> None:
    """Parent and child publish over connections of their own, before and after."""
    program = f"""
import os
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport
from rider_core.api import Ticket
def ticket(name, lane={lane!r}):
    return Ticket(name, lane, "text.generate", 0, False, 1.0, b"{{}}", "0123abcd")
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


@pytest.mark.usefixtures("unhurried")
def test_a_killed_broker_loses_nothing_that_it_confirmed(
    transport: RabbitTransport, node: RabbitMQNode, lane: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGKILL in the midst of publishing, consuming, acknowledging and dead-lettering, three times."""
    consumer = transport.consumer([lane])
    consumer.set_prefetch(20)
    publishing = [Publishing(transport, lane) for _ in range(3)]
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
