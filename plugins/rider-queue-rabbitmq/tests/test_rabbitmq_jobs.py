"""The contract of every job backend, with a real RabbitMQ as the carrier and a real Valkey for the ledger."""

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
from rider_core.jobs.broker_backend import BrokerBackend
from rider_core.jobs.broker_backend.desk import SHORT_FROM
from rider_core.jobs.ledger import Claim, keys
from rider_core.testing.jobs import JobBackendContract, Stage
from rider_core.testing.jobs.stage import spec
from rider_core.testing.waiting import let_pass

LANES = [lane for queue in QUEUES for lane in keys.lanes_of(queue)]


@pytest.fixture
def backend(connection: redis.Redis, settings: RabbitSettings, node: RabbitMQNode) -> Iterator[BrokerBackend]:
    """With lanes that are empty: the tests before left something in them."""
    empty_lanes(node)
    backend = BrokerBackend(connection, RabbitTransport(settings))
    yield backend
    backend.close()


def empty_lanes(node: RabbitMQNode) -> None:
    """Purge the lanes' queues. What still rests for a later time comes in vain: the ledger knows nothing of it."""
    for lane in LANES:
        with pika.BlockingConnection(pika.URLParameters(node.url)) as stranger, suppress(ChannelClosedByBroker):
            stranger.channel().queue_purge(lane_queue(lane))


class TestOnRabbitMQ(JobBackendContract):
    quiet_s = 0.4


@pytest.fixture
def stage(backend: BrokerBackend, connection: redis.Redis) -> Iterator[Stage]:
    stage = Stage(backend, connection, quiet_s=0.4)
    yield stage
    stage.close()


@pytest.mark.usefixtures("unhurried")
def test_a_refused_submission_leaves_nothing_behind(stage: Stage, node: RabbitMQNode) -> None:
    stage.backend.submit(spec(id="before"))
    node.kill()
    with pytest.raises(BackendUnavailable):
        stage.backend.submit(spec(id="refused"))
    assert not stage.connection.exists(keys.job_key("refused"))
    assert stage.backend.stats()[2].waiting == 1
    node.start()
    assert stage.take().id == "before"
    stage.takes_nothing()


def test_what_the_broker_lost_is_published_again(
    stage: Stage, node: RabbitMQNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody purges the queues; an idle worker finds out that the ledger has jobs that nobody hands out."""
    soon = replace(stage.desk.timings, unpublished_check_s=0.2, unpublished_s=0.2)
    monkeypatch.setattr(stage.desk, "timings", soon)
    ids = stage.backend.submit_many([spec() for _ in range(3)])
    empty_lanes(node)
    found = set()
    for _ in ids:
        claim = stage.take()
        found.add(claim.id)
        stage.done(claim, "x")
    assert found == set(ids)


def test_two_tickets_for_one_job_are_one_job(stage: Stage) -> None:
    job_id = stage.backend.submit(spec())
    ticket = stage.take().delivery.ticket  # type: ignore[union-attr]
    stage.backend._transport.publish([ticket, ticket])  # type: ignore[attr-defined]
    stage.takes_nothing()
    assert stage.backend.get(job_id).attempts == 1


def test_a_lost_worker_is_known_at_once(stage: Stage) -> None:
    """Its connection is gone, so the job need not wait for the lease to run out."""
    job_id = stage.backend.submit(spec())
    late = stage.take()
    stage.desk.close()
    second = stage.take("w2")
    assert (second.id, second.attempt) == (job_id, 2)
    assert not stage.desk_of("w2").heartbeat([second])
    assert stage.desk_of("w2").heartbeat([late]) == [late]
    assert stage.done(second, "second", "w2")
    assert stage.backend.get(job_id).state is JobState.DONE


def test_a_lost_workers_jobs_are_taken_alone_and_what_it_held_together(stage: Stage) -> None:
    """RabbitMQ marks them all as redelivered; the ledger knows which had been begun."""
    ids = stage.backend.submit_many([spec() for _ in range(2 * SHORT_FROM)])
    limits = {"text.generate": SHORT_FROM}
    begun = stage.take_together(limits=limits)
    stage.let_arrive()
    begun += stage.take_together(limits=limits)
    assert len(begun) > SHORT_FROM
    stage.desk.close()
    taken: list[list[Claim]] = []
    while sum(map(len, taken)) < len(ids):
        taken.append(stage.take_together("w2", limits))
    lost = {claim.id for claim in begun}
    assert all(claim.attempt == (2 if claim.id in lost else 1) for claims in taken for claim in claims)
    assert {len(claims) for claims in taken if lost & {claim.id for claim in claims}} == {1}
    assert max(map(len, taken)) > 1


def test_what_a_lost_connection_brought_is_not_taken(stage: Stage, node: RabbitMQNode) -> None:
    """RabbitMQ hands it out anew, which would tell the ledger that its worker is dead."""
    urgent, held = submit_two_and_take_one(stage, SHORT_FROM)
    assert stage.done(urgent, "x")
    consumer = stage.desk._consumer  # type: ignore[attr-defined]
    before = consumer.connection
    closing = threading.Thread(target=node.control, args=("close_all_connections", "a test"))
    closing.start()
    while consumer.connection in (0, before):
        with suppress(BackendUnavailable):
            stage.desk.wait_for_work(0.01)
    closing.join()
    assert stage.take().id == held
    stage.takes_nothing()
    assert stage.backend.get(held).attempts == 1


@pytest.mark.parametrize("limit", [1, SHORT_FROM], ids=["long", "long all of a sudden"])
def test_what_a_busy_worker_holds_goes_to_another(stage: Stage, limit: int) -> None:
    _, held = submit_two_and_take_one(stage, limit)
    assert stage.take("w2").id == held


def test_what_comes_while_a_worker_is_busy_goes_to_another(stage: Stage) -> None:
    """At once: it is not in the busy one's hands in between, as often as that one gives it back."""
    stage.backend.submit(spec())
    stage.take()
    let_pass(2 * LONG_S, "a long job runs")
    voice = {"task": "voice.synthesize", "payload": {"text": "x"}}
    later = stage.backend.submit_many(
        [spec(priority=Priority.HIGH), spec(), spec(priority=Priority.LOW), spec(**voice)]
    )
    claims = [stage.take("w2") for _ in later]
    assert sorted(claim.id for claim in claims) == sorted(later)
    assert not any(claim.delivery.redelivered for claim in claims)  # type: ignore[union-attr]
    assert stage.take_all("w2") == [], "the running job was given back as well"


def test_the_most_urgent_comes_first_after_a_long_job(stage: Stage) -> None:
    for _ in range(10):
        stage.desk._turn = 0  # it is not the oldest one's turn
        stage.backend.submit_many([spec(priority=priority) for priority in (Priority.LOW, Priority.NORMAL)])
        long = stage.take()
        let_pass(2 * LONG_S, "a long job runs")
        urgent = stage.backend.submit(spec(priority=Priority.HIGH))
        stage.done(long, "x")
        claim = stage.take()
        assert claim.id == urgent
        stage.done(claim, "x")


def test_a_long_job_is_no_idleness(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is asked for what the broker may have lost by those who wait in vain."""
    monkeypatch.setattr(stage.desk, "timings", replace(stage.desk.timings, unpublished_check_s=0.5))
    asked: list[bool] = []
    monkeypatch.setattr(stage.desk, "_ask_for_overdue", lambda: asked.append(True))
    stage.backend.submit(spec())
    stage.take()
    let_pass(0.8, "a long job runs, longer than an idle worker waits before it asks")
    stage.desk.wait_for_more(0.0)
    assert asked == []
    stage.let_arrive()
    stage.let_arrive()
    assert asked == [True]


def test_a_job_rests_though_the_broker_takes_no_ticket_for_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is given back, and put off until the job is due."""
    job_id = stage.backend.submit(spec())
    claim = stage.take()

    def refuse(*_: object) -> None:
        raise BackendUnavailable("away", remedy="wait")

    with monkeypatch.context() as away:
        away.setattr(stage.backend._transport, "publish", refuse)  # type: ignore[attr-defined]
        stage.fail(claim, delay_s=0.5)
    second = stage.take()
    assert (second.id, second.attempt) == (job_id, 2)


def submit_two_and_take_one(stage: Stage, limit: int) -> tuple[Claim, str]:
    """A claim of worker w1's, and the id of a job whose ticket it has in its hands meanwhile."""
    urgent = stage.backend.submit(spec(priority=Priority.HIGH))
    held = stage.backend.submit(spec())
    stage.let_arrive()
    claim = stage.take(limits={"text.generate": limit})
    assert claim.id == urgent
    return claim, held
