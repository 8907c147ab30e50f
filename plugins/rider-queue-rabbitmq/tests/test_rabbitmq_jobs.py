"""The contract of every job backend, with a real RabbitMQ as transport and a real Valkey for the job store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pika
import pytest
import redis
from pika.exceptions import ChannelClosedByBroker
from rabbitmq_node import RabbitMQNode
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport
from rider_queue_rabbitmq.topology import lane_queue

from rider_core.api import QUEUES, JobState, Priority
from rider_core.api.job_transport import LONG_S
from rider_core.errors import BackendUnavailable
from rider_core.jobs import LeasedJob, RedisJobBackend
from rider_core.jobs.broker import BrokerTransport
from rider_core.jobs.broker.source import SHORT_FROM, BrokerSource
from rider_core.jobs.store import keys
from rider_core.testing.jobs import JobBackendContract, JobHarness
from rider_core.testing.jobs.harness import spec
from rider_core.testing.waiting import let_pass, wait_until

LANES = [lane for queue in QUEUES for lane in keys.lanes_of(queue)]


@pytest.fixture
def backend(connection: redis.Redis, settings: RabbitSettings, node: RabbitMQNode) -> Iterator[RedisJobBackend]:
    """With lanes that are empty: the tests before left something in them."""
    empty_lanes(node)
    backend = RedisJobBackend(connection, BrokerTransport(RabbitTransport(settings)))
    yield backend
    backend.close()


def empty_lanes(node: RabbitMQNode) -> None:
    """Purge the lanes' queues. Tickets that are delayed there come in vain: the job store does not know them."""
    for lane in LANES:
        with pika.BlockingConnection(pika.URLParameters(node.url)) as stranger, suppress(ChannelClosedByBroker):
            stranger.channel().queue_purge(lane_queue(lane))


class TestOnRabbitMQ(JobBackendContract):
    quiet_s = 0.4


@pytest.fixture
def harness(backend: RedisJobBackend, connection: redis.Redis) -> Iterator[JobHarness]:
    harness = JobHarness(backend, connection, quiet_s=0.4)
    yield harness
    harness.close()


def source_of(harness: JobHarness) -> BrokerSource:
    assert isinstance(harness.consumer.source, BrokerSource)
    return harness.consumer.source


@pytest.mark.usefixtures("unhurried")
def test_a_refused_submission_leaves_nothing_behind(harness: JobHarness, node: RabbitMQNode) -> None:
    harness.backend.submit(spec(id="before"))
    node.kill()
    with pytest.raises(BackendUnavailable):
        harness.backend.submit(spec(id="refused"))
    assert not harness.connection.exists(keys.job_key("refused"))
    assert harness.backend.stats()[2].waiting == 1
    node.start()
    assert harness.dequeue().id == "before"
    harness.assert_no_job()


def test_what_the_broker_lost_is_published_again(
    harness: JobHarness, node: RabbitMQNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queues are purged; an idle worker finds jobs in the store that the broker does not deliver."""
    session = source_of(harness)._session
    soon = replace(session.timings, unpublished_check_s=0.2, unpublished_s=0.2)
    monkeypatch.setattr(session, "timings", soon)
    ids = harness.backend.submit_many([spec() for _ in range(3)])
    empty_lanes(node)
    found = set()
    for _ in ids:
        leased = harness.dequeue()
        found.add(leased.id)
        harness.done(leased, "x")
    assert found == set(ids)


def test_two_tickets_for_one_job_are_one_job(harness: JobHarness) -> None:
    job_id = harness.backend.submit(spec())
    ticket = harness.dequeue().delivery.ticket  # type: ignore[union-attr]
    source_of(harness)._broker.publish([ticket, ticket])
    harness.assert_no_job()
    assert harness.backend.get(job_id).attempts == 1


def test_a_lost_worker_is_known_at_once(harness: JobHarness) -> None:
    """Its connection is gone, so the job need not wait for the lease to run out."""
    job_id = harness.backend.submit(spec())
    late = harness.dequeue()
    harness.consumer.close()
    second = harness.dequeue("w2")
    assert (second.id, second.attempt) == (job_id, 2)
    assert not harness.consumer_of("w2").heartbeat([second])
    assert harness.consumer_of("w2").heartbeat([late]) == [late]
    assert harness.done(second, "second", "w2")
    assert harness.backend.get(job_id).state is JobState.DONE


def test_a_lost_workers_jobs_are_taken_alone_and_what_it_held_together(harness: JobHarness) -> None:
    """RabbitMQ marks them all as redelivered; the job store knows which had been started."""
    ids = harness.backend.submit_many([spec() for _ in range(2 * SHORT_FROM)])
    limits = {"text.generate": SHORT_FROM}
    begun = harness.dequeue_batch(limits=limits)
    harness.let_arrive()
    begun += harness.dequeue_batch(limits=limits)
    assert len(begun) > SHORT_FROM
    harness.consumer.close()
    taken: list[list[LeasedJob]] = []
    while sum(map(len, taken)) < len(ids):
        taken.append(harness.dequeue_batch("w2", limits))
    lost = {leased.id for leased in begun}
    assert all(leased.attempt == (2 if leased.id in lost else 1) for leased_jobs in taken for leased in leased_jobs)
    assert {len(leased_jobs) for leased_jobs in taken if lost & {leased.id for leased in leased_jobs}} == {1}
    assert max(map(len, taken)) > 1


def test_what_a_lost_connection_brought_is_not_taken(harness: JobHarness, node: RabbitMQNode) -> None:
    """RabbitMQ delivers it again, which would tell the job store that its worker is dead."""
    urgent, held = submit_two_and_take_one(harness, SHORT_FROM)
    assert harness.done(urgent, "x")
    consumer = source_of(harness)._consumer
    before = consumer.connection
    closing = threading.Thread(target=node.control, args=("close_all_connections", "a test"))
    closing.start()
    while consumer.connection in (0, before):
        with suppress(BackendUnavailable):
            harness.consumer.wait_for_work(0.01)
    closing.join()
    assert harness.dequeue().id == held
    harness.assert_no_job()
    assert harness.backend.get(held).attempts == 1


@pytest.mark.parametrize("limit", [1, SHORT_FROM], ids=["long", "long all of a sudden"])
def test_what_a_busy_worker_holds_goes_to_another(harness: JobHarness, limit: int) -> None:
    _, held = submit_two_and_take_one(harness, limit)
    assert harness.dequeue("w2").id == held


def test_what_comes_while_a_worker_is_busy_goes_to_another(harness: JobHarness) -> None:
    """At once: it is not delivered to the busy worker in between."""
    harness.backend.submit(spec())
    harness.dequeue()
    let_pass(2 * LONG_S, "a long job runs")
    voice = {"task": "voice.synthesize", "payload": {"text": "x"}}
    later = harness.backend.submit_many(
        [spec(priority=Priority.HIGH), spec(), spec(priority=Priority.LOW), spec(**voice)]
    )
    leased_jobs = [harness.dequeue("w2") for _ in later]
    assert sorted(leased.id for leased in leased_jobs) == sorted(later)
    assert not any(leased.delivery.redelivered for leased in leased_jobs)  # type: ignore[union-attr]
    assert harness.dequeue_all("w2") == [], "the running job was given back as well"


def test_the_most_urgent_comes_first_after_a_long_job(harness: JobHarness) -> None:
    for _ in range(10):
        source_of(harness)._session._turn = 0  # it is not the oldest one's turn
        harness.backend.submit_many([spec(priority=priority) for priority in (Priority.LOW, Priority.NORMAL)])
        long = harness.dequeue()
        let_pass(2 * LONG_S, "a long job runs")
        urgent = harness.backend.submit(spec(priority=Priority.HIGH))
        harness.done(long, "x")
        leased = harness.dequeue()
        assert leased.id == urgent
        harness.done(leased, "x")


def test_a_long_job_is_no_idleness(harness: JobHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only idle workers ask the job store for what the broker may have lost."""
    session = source_of(harness)._session
    monkeypatch.setattr(session, "timings", replace(session.timings, unpublished_check_s=0.5))
    asked: list[bool] = []
    monkeypatch.setattr(source_of(harness), "_publish_lost", lambda: asked.append(True))
    harness.backend.submit(spec())
    harness.dequeue()
    let_pass(0.8, "a long job runs, longer than an idle worker waits before it asks")
    harness.consumer.wait_for_more(0.0)
    assert asked == []

    def asks_when_idle() -> bool:
        harness.let_arrive()
        return bool(asked)

    wait_until(asks_when_idle, what="an idle worker's question")


def test_a_job_rests_though_the_broker_takes_no_ticket_for_it(
    harness: JobHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one is given back, and put off until the job is due."""
    job_id = harness.backend.submit(spec())
    leased = harness.dequeue()

    def refuse(*_: object) -> None:
        raise BackendUnavailable("away", remedy="wait")

    with monkeypatch.context() as away:
        away.setattr(source_of(harness)._broker, "publish", refuse)
        harness.fail(leased, delay_s=0.5)
    second = harness.dequeue()
    assert (second.id, second.attempt) == (job_id, 2)


def submit_two_and_take_one(harness: JobHarness, limit: int) -> tuple[LeasedJob, str]:
    """A job that worker w1 has leased, and the id of one whose ticket it holds meanwhile."""
    urgent = harness.backend.submit(spec(priority=Priority.HIGH))
    held = harness.backend.submit(spec())
    harness.let_arrive()
    leased = harness.dequeue(limits={"text.generate": limit})
    assert leased.id == urgent
    return leased, held
