"""What a transport of jobs must do without faults."""

from __future__ import annotations

import re
import threading
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.channel import Channel
from rabbitmq_node import RabbitMQNode
from rider_queue_rabbitmq import RabbitTransport
from rider_queue_rabbitmq.connection import TolerantConnection
from tickets_in_tests import PATIENCE_S, drain, job_ids, job_ids_of, take, ticket, tickets

from rider_core.api import HealthStatus, TicketConsumer
from rider_core.errors import BackendUnavailable
from rider_core.testing import wait_until


@pytest.fixture
def consumer(transport: RabbitTransport, lane: str) -> TicketConsumer:
    return transport.consumer([lane])


def test_round_trip(transport: RabbitTransport, consumer: TicketConsumer, lane: str) -> None:
    sent = ticket("job-1", lane, body=b"\x00\xff any bytes")
    assert consumer.connection == 0
    transport.publish([sent])
    (delivery,) = take(consumer, 1)
    assert delivery.ticket == sent
    assert not delivery.redelivered
    assert delivery.connection == consumer.connection > 0
    consumer.settle([delivery])
    assert consumer.fetch(0.1) == []


def test_order_is_kept_over_many_and_large_tickets(
    transport: RabbitTransport, consumer: TicketConsumer, lane: str
) -> None:
    sent = [ticket(f"job-{number:05d}", lane, body=bytes(number * 100)) for number in range(1500)]
    transport.publish(sent)
    consumer.set_prefetch(100)
    assert [each.ticket for each in drain(consumer, len(sent))] == sent


def test_settled_tickets_do_not_come_again(transport: RabbitTransport, lane: str) -> None:
    """Settled in an order that needs multiple and single acknowledgements."""
    transport.publish(tickets(90, lane))
    first = transport.consumer([lane])
    first.set_prefetch(60)
    held = take(first, 60)
    first.settle(held[1::2])
    first.settle(held[0:30:4])
    first.settle(held[0:30:4])  # once more: an answer too many would cost the connection
    number = first.connection
    first.fetch(0.1)
    assert first.connection == number
    first.settle(held[0:20])
    first.close()  # the last acknowledgements are sent before
    second = transport.consumer([lane])
    second.set_prefetch(90)
    settled = {*job_ids(held[1::2]), *job_ids(held[0:30:4]), *job_ids(held[0:20])}
    expected = {each.job_id for each in tickets(90, lane)} - settled
    assert set(job_ids(drain(second, len(expected)))) == expected
    assert second.fetch(0.2) == []


def test_released_tickets_come_again(transport: RabbitTransport, consumer: TicketConsumer, lane: str) -> None:
    transport.publish(tickets(3, lane))
    consumer.set_prefetch(3)
    one, two, three = take(consumer, 3)
    consumer.settle([one, three])
    consumer.release([two])
    (again,) = take(consumer, 1)
    assert again.ticket == two.ticket
    assert again.redelivered
    consumer.settle([again])


def test_prefetch_is_a_limit_for_each_lane(transport: RabbitTransport, lane: str) -> None:
    lanes = [f"{lane}-{name}" for name in ("high", "normal", "low")]
    consumer = transport.consumer(lanes)
    transport.publish([each for name in lanes for each in tickets(50, name)])
    consumer.set_prefetch(7)
    held = take(consumer, 21)
    assert consumer.fetch(0.5) == []
    assert {name: len([each for each in held if each.ticket.lane == name]) for name in lanes} == dict.fromkeys(lanes, 7)
    consumer.settle(held[:5])
    assert len(take(consumer, 5)) == 5


def test_prefetch_changes_with_messages_in_flight(
    transport: RabbitTransport, consumer: TicketConsumer, lane: str
) -> None:
    sent = tickets(3000, lane)
    transport.publish(sent)
    received, changes = [], 0
    deadline = time.monotonic() + PATIENCE_S
    while len(received) < len(sent) and time.monotonic() < deadline:
        consumer.set_prefetch((1, 80, 3, 200)[changes % 4])
        changes += 1
        for _ in range(3):
            arrived = consumer.fetch(1.0)
            consumer.settle(arrived)
            received += arrived
    assert changes > 10
    assert sorted(job_ids(received)) == [each.job_id for each in sent]
    assert consumer.connection == received[0].connection


def test_a_growing_prefetch_disturbs_little(transport: RabbitTransport, consumer: TicketConsumer, lane: str) -> None:
    """Only what was under way at the change may come as if a worker had had it, and nothing that one holds."""
    sent = tickets(1000, lane)
    transport.publish(sent)
    received = take(consumer, 1)
    consumer.set_prefetch(100)
    received += take(consumer, 100)
    assert not any(each.redelivered for each in received)
    consumer.settle(received[:1])
    consumer.set_prefetch(101)
    consumer.settle(received)
    received += drain(consumer, len(sent) - len(received))
    assert sorted(job_ids(received)) == [each.job_id for each in sent]
    assert sum(each.redelivered for each in received) <= 100


def test_a_smaller_prefetch_is_a_limit(transport: RabbitTransport, consumer: TicketConsumer, lane: str) -> None:
    transport.publish(tickets(200, lane))
    consumer.set_prefetch(50)
    held = take(consumer, 50)
    consumer.set_prefetch(2)
    held += take(consumer, 2)
    assert consumer.fetch(0.3) == []
    consumer.settle(held)
    assert len(take(consumer, 2)) == 2
    assert consumer.fetch(0.3) == []


def test_a_larger_prefetch_takes_effect_while_a_job_runs(
    transport: RabbitTransport, consumer: TicketConsumer, lane: str
) -> None:
    transport.publish(tickets(10, lane))
    held = take(consumer, 1)
    assert consumer.fetch(0.3) == []
    consumer.set_prefetch(5)
    assert len(take(consumer, 5)) == 5  # what is held at the change does not count
    consumer.set_prefetch(5)
    assert consumer.fetch(0.3) == []
    with pytest.raises(ValueError, match="no limit"):
        consumer.set_prefetch(0)
    consumer.settle(held)


def test_fetch_wakes(consumer: TicketConsumer) -> None:
    waker = threading.Timer(0.2, consumer.wake)
    waker.start()
    begun = time.monotonic()
    assert consumer.fetch(PATIENCE_S) == []
    assert time.monotonic() - begun < PATIENCE_S / 2
    waker.join()


def test_fetch_is_prompt(transport: RabbitTransport, consumer: TicketConsumer, lane: str) -> None:
    """From publish to fetch while the worker waits: milliseconds; the best of many, for others use the machine too."""
    best_s = PATIENCE_S
    transport.publish([ticket("warm-up", lane)])
    drain(consumer, 1)
    arrived_at: list[float] = []

    def receive() -> None:
        drain(consumer, 1)
        arrived_at.append(time.monotonic())

    for number in range(10):
        thread = threading.Thread(target=receive)
        thread.start()
        begun = time.monotonic()
        transport.publish([ticket(f"job-{number}", lane)])
        thread.join(PATIENCE_S)
        best_s = min(best_s, arrived_at[-1] - begun)
    assert best_s < 0.05


@pytest.mark.parametrize("delay_s", [0.05, 0.3, 1.0, 3.3])
def test_delays(transport: RabbitTransport, consumer: TicketConsumer, lane: str, delay_s: float) -> None:
    transport.publish([ticket("warm-up", lane)], 0.05)
    drain(consumer, 1)
    late_s = []
    for attempt in range(3):  # never early; late may be this machine
        begun = time.monotonic()
        transport.publish([ticket(f"job-{attempt}", lane)], delay_s)
        confirmed = time.monotonic()
        (delivery,) = drain(consumer, 1)
        assert time.monotonic() - begun >= delay_s
        assert delivery.ticket.lane == lane
        assert not delivery.redelivered
        late_s.append(time.monotonic() - confirmed - delay_s)
        if late_s[-1] <= delay_s * 0.1 + 0.2:
            break
    assert min(late_s) <= delay_s * 0.1 + 0.2


def test_delayed_tickets_find_their_own_lanes(transport: RabbitTransport, lane: str) -> None:
    lanes = [f"{lane}-{name}" for name in ("high", "low")]
    transport.publish([each for name in lanes for each in tickets(40, name, prefix=name)], 0.2)
    for name in lanes:
        consumer = transport.consumer([name])
        assert job_ids(drain(consumer, 40)) == [each.job_id for each in tickets(40, name, prefix=name)]


def test_many_threads_share_the_writes(
    transport: RabbitTransport,
    consumer: TicketConsumer,
    node: RabbitMQNode,
    lane: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Group commit: while RabbitMQ writes what one thread has published, what the others publish is on its way."""
    transport.publish(tickets(1, lane, prefix="warm-up"))
    sent: list[str] = []
    publish = Channel.basic_publish

    def counted(self: Channel, exchange: str, routing_key: str, *rest: Any, **options: Any) -> None:
        sent.append(routing_key)
        publish(self, exchange, routing_key, *rest, **options)

    monkeypatch.setattr(Channel, "basic_publish", counted)
    threads = [threading.Thread(target=transport.publish, args=([each],)) for each in tickets(16, lane)]
    node.pause()
    try:
        for thread in threads:
            thread.start()
        wait_until(lambda: len(sent) == 16, timeout_s=8)
        assert all(thread.is_alive() for thread in threads), "a thread went on before RabbitMQ had its ticket"
    finally:
        node.resume()
    for thread in threads:
        thread.join(PATIENCE_S)
    consumer.set_prefetch(20)
    assert set(job_ids(drain(consumer, 17))) == {"warm-up-00000", *job_ids_of(16)}


def test_many_bytes_do_not_fill_the_memory(transport: RabbitTransport, lane: str, channel: BlockingChannel) -> None:
    transport.publish([ticket("warm-up", lane)])
    body = bytes(1024 * 1024)
    tracemalloc.start()
    try:
        transport.publish([ticket(f"job-{number}", lane, body) for number in range(100)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        channel.queue_delete(f"rider.{lane}")
    assert peak < 40 * 1024 * 1024


def test_the_window_is_limited_in_messages(
    transport: RabbitTransport, lane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is buffered for RabbitMQ beyond a thousand messages, even in one large batch."""
    largest = 0
    write = TolerantConnection._output_marshaled_frames

    def measured(self: TolerantConnection, frames: list[bytes]) -> None:
        nonlocal largest
        write(self, frames)
        largest = max(largest, self._get_write_buffer_size())

    monkeypatch.setattr(TolerantConnection, "_output_marshaled_frames", measured)
    transport.publish([ticket(f"job-{number}", lane, bytes(1000)) for number in range(5000)])
    assert 500_000 < largest < 1_500_000


def clients(node: RabbitMQNode, event: str) -> Counter[str]:
    """How often each address had this event in the log: ports return. An end without a farewell is a warning there.

    RabbitMQ 3.10 names the process before the address, 4.0 does not, and it has brackets for some events only.
    """
    return Counter(re.findall(rf"\[info\] \S+ {event} AMQP connection (?:<\S+> )?\(?(\S+) ->", node.log_text()))


def test_nothing_is_left_behind(
    baseline: tuple[int, int], transport: RabbitTransport, node: RabbitMQNode, lane: str
) -> None:
    threads, descriptors = baseline
    others, ended = clients(node, "accepting"), clients(node, "closing")
    for number in range(5):
        transport.publish([ticket(f"job-{number}", lane)])
        consumer = transport.consumer([lane])
        drain(consumer, 1)
        consumer.close()
        assert transport.health().status is HealthStatus.OK
    assert threading.active_count() <= threads + 1
    transport.close()
    wait_until(lambda: threading.active_count() <= threads, timeout_s=PATIENCE_S)
    wait_until(lambda: open_descriptors() <= descriptors, timeout_s=PATIENCE_S)
    with pytest.raises(BackendUnavailable, match="closed"):
        transport.publish([ticket("late", lane)])
    with pytest.raises(BackendUnavailable, match="closed"):
        consumer.fetch(0.1)
    consumer.settle([])
    consumer.close()
    transport.close()

    def all_said_farewell() -> bool:
        """RabbitMQ writes its log a moment later."""
        mine = clients(node, "accepting") - others
        return mine.total() >= 1 + 5 + 5 and mine <= clients(node, "closing") - ended

    wait_until(all_said_farewell, timeout_s=PATIENCE_S)


@pytest.fixture
def baseline() -> tuple[int, int]:
    return threading.active_count(), open_descriptors()


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_health(transport: RabbitTransport) -> None:
    found = transport.health()
    assert found.status is HealthStatus.OK
    assert found.reason.startswith("RabbitMQ ")
    assert found.reason[9].isdigit()
