"""While its worker runs a long job, a consumer gets no deliveries; afterwards it gets those of every lane."""

from __future__ import annotations

import time

import pytest
from pika.adapters.blocking_connection import BlockingChannel
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport
from rider_queue_rabbitmq import consumer as rabbit_consumer
from rider_queue_rabbitmq.subscription import Subscription
from tickets_in_tests import drain, job_ids, take, ticket, tickets, until_available

from rider_core.api.job_transport import LONG_S
from rider_core.testing.waiting import let_pass

pytestmark = pytest.mark.slow


def test_after_a_long_job_tickets_of_every_lane_arrive(transport: RabbitTransport, lane: str) -> None:
    lanes = [f"{lane}-{number}" for number in range(9)]
    consumer = transport.consumer(lanes, return_prefetched=list)
    for _ in range(10):
        transport.publish([ticket("job", each) for each in lanes])
        let_pass(2 * LONG_S, "a long job runs")
        arrived = take(consumer, 1)
        consumer.settle(arrived)
        assert {each.ticket.lane for each in arrived} == set(lanes)


def test_a_lane_without_an_answer_is_not_waited_for(
    transport: RabbitTransport, lane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Subscription, "_polled", lambda *_: None)
    consumer = transport.consumer([lane], return_prefetched=list)
    for _ in range(2):
        transport.publish([ticket("job", lane)])
        consumer.settle(take(consumer, 1))
        let_pass(2 * LONG_S, "a long job runs")


def test_what_is_resumed_twice_consumes_once(transport: RabbitTransport, lane: str) -> None:
    """Otherwise its prefetch would be doubled, and a busy worker would get tickets without end."""
    consumer = transport.consumer([lane], return_prefetched=list)
    transport.publish([ticket("first", lane)])
    consumer.settle(take(consumer, 1))
    consumer._subscription.resume()  # type: ignore[attr-defined]
    transport.publish(tickets(5, lane))
    held = take(consumer, 1)
    begun = time.monotonic()
    while time.monotonic() - begun < 3 * LONG_S:
        held += consumer.fetch(LONG_S / 4)
    assert len(held) == 1


@pytest.mark.usefixtures("unhurried")
def test_a_queue_deleted_while_long_jobs_run_silences_no_lane(
    transport: RabbitTransport, channel: BlockingChannel, lane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbit_consumer, "_POLL_LIMIT_S", 3600.0)
    other = f"{lane}-other"
    consumer = transport.consumer([lane, other], return_prefetched=list)

    def run_a_long_job() -> None:
        transport.publish([ticket("long", other)])
        (long,) = take(consumer, 1)
        let_pass(2 * LONG_S, "a long job runs")
        consumer.settle([long])

    run_a_long_job()
    channel.queue_delete(f"rider.{lane}")
    consumer.fetch(0.1)  # it learns that the queue is not there
    run_a_long_job()  # while the queue is made anew
    run_a_long_job()
    until_available(lambda: transport.publish([ticket("job-1", lane)]))
    assert job_ids(drain(consumer, 1)) == ["job-1"]


@pytest.mark.usefixtures("unhurried")
def test_a_queue_deleted_and_made_anew_while_a_long_job_runs(
    transport: RabbitTransport, settings: RabbitSettings, channel: BlockingChannel, lane: str
) -> None:
    """Another worker declares the queue. The busy one is not notified, and holds a delivery of the old queue."""
    consumer = transport.consumer([lane], return_prefetched=list)
    transport.publish([ticket("long", lane)])
    (long,) = take(consumer, 1)
    let_pass(2 * LONG_S, "a long job runs")
    channel.queue_delete(f"rider.{lane}")
    another = RabbitTransport(settings)
    another.publish([ticket("job-1", lane)])
    another.close()
    (arrived,) = take(consumer, 1)
    assert arrived.ticket.job_id == "job-1"
    consumer.settle([long, arrived])
    transport.publish([ticket("job-2", lane)])
    assert job_ids(drain(consumer, 1)) == ["job-2"]
