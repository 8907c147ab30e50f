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
from rider_core.testing.jobs import JobBackendContract, Stage
from rider_core.testing.jobs.stage import spec
from rider_core.testing.waiting import let_pass

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
def stage(backend: RedisJobBackend, connection: redis.Redis) -> Iterator[Stage]:
    stage = Stage(backend, connection, quiet_s=0.4)
    yield stage
    stage.close()


def source_of(stage: Stage) -> BrokerSource:
    assert isinstance(stage.consumer.source, BrokerSource)
    return stage.consumer.source


@pytest.mark.usefixtures("unhurried")
def test_a_refused_submission_leaves_nothing_behind(stage: Stage, node: RabbitMQNode) -> None:
    stage.backend.submit(spec(id="before"))
    node.kill()
    with pytest.raises(BackendUnavailable):
        stage.backend.submit(spec(id="refused"))
    assert not stage.connection.exists(keys.job_key("refused"))
    assert stage.backend.stats()[2].waiting == 1
    node.start()
    assert stage.dequeue().id == "before"
    stage.takes_nothing()


def test_what_the_broker_lost_is_published_again(
    stage: Stage, node: RabbitMQNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queues are purged; an idle worker finds jobs in the store that the broker does not deliver."""
    session = source_of(stage)._session
    soon = replace(session.timings, unpublished_check_s=0.2, unpublished_s=0.2)
    monkeypatch.setattr(session, "timings", soon)
    ids = stage.backend.submit_many([spec() for _ in range(3)])
    empty_lanes(node)
    found = set()
    for _ in ids:
        leased = stage.dequeue()
        found.add(leased.id)
        stage.done(leased, "x")
    assert found == set(ids)


def test_two_tickets_for_one_job_are_one_job(stage: Stage) -> None:
    job_id = stage.backend.submit(spec())
    ticket = stage.dequeue().delivery.ticket  # type: ignore[union-attr]
    source_of(stage)._broker.publish([ticket, ticket])
    stage.takes_nothing()
    assert stage.backend.get(job_id).attempts == 1


def test_a_lost_worker_is_known_at_once(stage: Stage) -> None:
    """Its connection is gone, so the job need not wait for the lease to run out."""
    job_id = stage.backend.submit(spec())
    late = stage.dequeue()
    stage.consumer.close()
    second = stage.dequeue("w2")
    assert (second.id, second.attempt) == (job_id, 2)
    assert not stage.consumer_of("w2").heartbeat([second])
    assert stage.consumer_of("w2").heartbeat([late]) == [late]
    assert stage.done(second, "second", "w2")
    assert stage.backend.get(job_id).state is JobState.DONE


def test_a_lost_workers_jobs_are_taken_alone_and_what_it_held_together(stage: Stage) -> None:
    """RabbitMQ marks them all as redelivered; the job store knows which had been started."""
    ids = stage.backend.submit_many([spec() for _ in range(2 * SHORT_FROM)])
    limits = {"text.generate": SHORT_FROM}
    begun = stage.take_together(limits=limits)
    stage.let_arrive()
    begun += stage.take_together(limits=limits)
    assert len(begun) > SHORT_FROM
    stage.consumer.close()
    taken: list[list[LeasedJob]] = []
    while sum(map(len, taken)) < len(ids):
        taken.append(stage.take_together("w2", limits))
    lost = {leased.id for leased in begun}
    assert all(leased.attempt == (2 if leased.id in lost else 1) for leased_jobs in taken for leased in leased_jobs)
    assert {len(leased_jobs) for leased_jobs in taken if lost & {leased.id for leased in leased_jobs}} == {1}
    assert max(map(len, taken)) > 1


def test_what_a_lost_connection_brought_is_not_taken(stage: Stage, node: RabbitMQNode) -> None:
    """RabbitMQ delivers it again, which would tell the job store that its worker is dead."""
    urgent, held = submit_two_and_take_one(stage, SHORT_FROM)
    assert stage.done(urgent, "x")
    consumer = source_of(stage)._consumer
    before = consumer.connection
    closing = threading.Thread(target=node.control, args=("close_all_connections", "a test"))
    closing.start()
    while consumer.connection in (0, before):
        with suppress(BackendUnavailable):
            stage.consumer.wait_for_work(0.01)
    closing.join()
    assert stage.dequeue().id == held
    stage.takes_nothing()
    assert stage.backend.get(held).attempts == 1


@pytest.mark.parametrize("limit", [1, SHORT_FROM], ids=["long", "long all of a sudden"])
def test_what_a_busy_worker_holds_goes_to_another(stage: Stage, limit: int) -> None:
    _, held = submit_two_and_take_one(stage, limit)
    assert stage.dequeue("w2").id == held


def test_what_comes_while_a_worker_is_busy_goes_to_another(stage: Stage) -> None:
    """At once: it is not in the busy one's hands in between, as often as that one gives it back."""
    stage.backend.submit(spec())
    stage.dequeue()
    let_pass(2 * LONG_S, "a long job runs")
    voice = {"task": "voice.synthesize", "payload": {"text": "x"}}
    later = stage.backend.submit_many(
        [spec(priority=Priority.HIGH), spec(), spec(priority=Priority.LOW), spec(**voice)]
    )
    leased_jobs = [stage.dequeue("w2") for _ in later]
    assert sorted(leased.id for leased in leased_jobs) == sorted(later)
    assert not any(leased.delivery.redelivered for leased in leased_jobs)  # type: ignore[union-attr]
    assert stage.take_all("w2") == [], "the running job was given back as well"


def test_the_most_urgent_comes_first_after_a_long_job(stage: Stage) -> None:
    for _ in range(10):
        source_of(stage)._session._turn = 0  # it is not the oldest one's turn
        stage.backend.submit_many([spec(priority=priority) for priority in (Priority.LOW, Priority.NORMAL)])
        long = stage.dequeue()
        let_pass(2 * LONG_S, "a long job runs")
        urgent = stage.backend.submit(spec(priority=Priority.HIGH))
        stage.done(long, "x")
        leased = stage.dequeue()
        assert leased.id == urgent
        stage.done(leased, "x")


def test_a_long_job_is_no_idleness(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only idle workers ask the job store for what the broker may have lost."""
    session = source_of(stage)._session
    monkeypatch.setattr(session, "timings", replace(session.timings, unpublished_check_s=0.5))
    asked: list[bool] = []
    monkeypatch.setattr(source_of(stage), "_publish_lost", lambda: asked.append(True))
    stage.backend.submit(spec())
    stage.dequeue()
    let_pass(0.8, "a long job runs, longer than an idle worker waits before it asks")
    stage.consumer.wait_for_more(0.0)
    assert asked == []
    stage.let_arrive()
    stage.let_arrive()
    assert asked == [True]


def test_a_job_rests_though_the_broker_takes_no_ticket_for_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is given back, and put off until the job is due."""
    job_id = stage.backend.submit(spec())
    leased = stage.dequeue()

    def refuse(*_: object) -> None:
        raise BackendUnavailable("away", remedy="wait")

    with monkeypatch.context() as away:
        away.setattr(source_of(stage)._broker, "publish", refuse)
        stage.fail(leased, delay_s=0.5)
    second = stage.dequeue()
    assert (second.id, second.attempt) == (job_id, 2)


def submit_two_and_take_one(stage: Stage, limit: int) -> tuple[LeasedJob, str]:
    """A claim of worker w1's, and the id of a job whose ticket it holds meanwhile."""
    urgent = stage.backend.submit(spec(priority=Priority.HIGH))
    held = stage.backend.submit(spec())
    stage.let_arrive()
    leased = stage.dequeue(limits={"text.generate": limit})
    assert leased.id == urgent
    return leased, held
