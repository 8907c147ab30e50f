"""The RQ adapter: the contract of every job backend on a real Valkey and a real Redis, and what is RQ's alone."""

from __future__ import annotations

import json
import pickle
import shutil
import time
from collections.abc import Iterator

import pytest
import redis
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from rider_core.api import JobSpec, JobState, RetryPolicy
from rider_core.errors import BackendUnavailable, InvalidInput, JobNotFound
from rider_core.jobs import Outcome, RedisJobBackend, spec_from_data
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.store.spec_codec import data_of_spec
from rider_core.runtime.redis_connection import connect
from rider_core.testing.jobs import JobBackendContract, JobHarness
from rider_core.testing.jobs.harness import spec
from rider_core.testing.valkey import Valkey


class TestOnValkey(JobBackendContract):
    """On the server that comes along."""

    @pytest.fixture
    def backend(self, connection: redis.Redis) -> RedisJobBackend:
        return RedisJobBackend(connection, RQLists())


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="apt-get install redis-server")
class TestOnRedis(TestOnValkey):
    """On a Redis as the distribution has it."""

    @pytest.fixture
    def connection(self, server: Valkey) -> Iterator[redis.Redis]:
        connection = connect(server.url)
        connection.flushall()
        yield connection
        connection.close()

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
        server = Valkey(tmp_path_factory.mktemp("r"), shutil.which("redis-server"))
        yield server
        server.stop()


@pytest.fixture
def backend(connection: redis.Redis) -> RedisJobBackend:
    return RedisJobBackend(connection, RQLists())


@pytest.fixture
def harness(backend: RedisJobBackend, connection: redis.Redis) -> JobHarness:
    return JobHarness(backend, connection)


def test_rq_sees_the_truth(backend: RedisJobBackend, harness: JobHarness, connection: redis.Redis) -> None:
    ids = backend.submit_many([spec() for _ in range(4)])
    queue = Queue("text", connection=connection, serializer=JSONSerializer)
    assert queue.get_job_ids() == ids
    leased_jobs = [harness.dequeue() for _ in range(3)]
    started = StartedJobRegistry("text", connection=connection, serializer=JSONSerializer)
    assert started.get_job_ids(cleanup=False) == ids[:3]
    harness.done(leased_jobs[0], "x")
    harness.fail(leased_jobs[1], Outcome.PERMANENT)
    assert FinishedJobRegistry("text", connection=connection).get_job_ids() == ids[:1]
    assert FailedJobRegistry("text", connection=connection).get_job_ids(cleanup=False) == ids[1:2]
    assert started.get_job_ids(cleanup=False) == ids[2:3]
    job = Job.fetch(ids[0], connection=connection, serializer=JSONSerializer)
    assert job.get_status() == "finished"
    (text,) = [figures for figures in backend.stats() if figures.queue == "text"]
    assert (text.waiting, text.running, text.failed, text.workers) == (1, 1, 1, 0)


def test_retry_delays_grow_and_vary() -> None:
    policy = RetryPolicy(max_attempts=9, first_delay_s=1, max_delay_s=10)
    for attempt, ceiling_s in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (9, 10)):
        delays = [policy.delay_s(attempt) for _ in range(50)]
        assert ceiling_s / 2 <= min(delays) < max(delays) <= ceiling_s


def test_a_plain_job_is_encoded_as_any_other() -> None:
    """The fast path for jobs without options writes the same data."""
    payload = {"prompt": 'q" \u017c', "options": {"x": [1.5, float("nan"), None]}}
    plain = JobSpec(id="job-1", task="text.generate", payload=payload)
    other = JobSpec(id="job-1", task="text.generate", payload=payload, origin="")
    assert data_of_spec(plain) == data_of_spec(other)
    assert spec_from_data(data_of_spec(plain)).id == "job-1"


def test_a_job_that_would_be_due_after_its_deadline_is_refused() -> None:
    now = time.time()
    with pytest.raises(ValueError, match="it would never run"):
        spec(due_ts=now + 2, deadline_ts=now + 1)


def test_a_strangers_dead_letter_can_be_requeued_and_purged(
    backend: RedisJobBackend, harness: JobHarness, connection: redis.Redis
) -> None:
    stranger = Queue("text", connection=connection, serializer=JSONSerializer).enqueue("os.getpid")
    job_id = backend.submit(spec())
    for leased in harness.dequeue_all():
        harness.fail(leased, Outcome.PERMANENT)
    letters = {letter.record.id: letter.spec for letter in backend.dead_letters("text", 10)}
    assert letters.keys() == {stranger.id, job_id}
    assert letters[stranger.id] is None
    assert backend.requeue_all("text") == 2
    for leased in harness.dequeue_all():
        harness.fail(leased, Outcome.FAILED if leased.id == stranger.id else Outcome.PERMANENT)
    assert backend.get(stranger.id).state is JobState.FAILED
    assert backend.purge_all("text") == 2


def test_registries_forget_what_has_expired(
    backend: RedisJobBackend, harness: JobHarness, connection: redis.Redis
) -> None:
    done = backend.submit(spec())
    leased = harness.dequeue()
    harness.done(leased, "x")
    (dead,) = harness.make_dead_letters(spec())
    cancelled = backend.submit(spec())
    backend.cancel(cancelled)
    registries = {"rq:finished:text": done, "rq:failed:text": dead, "rq:canceled:text": cancelled}
    harness.consumer.reap()
    assert all(connection.zcard(registry) == 1 for registry in registries)
    for registry, job_id in registries.items():
        connection.zadd(registry, {job_id: time.time() - 1})
    harness.consumer.reap()
    assert not any(connection.exists(registry) for registry in registries)


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(["os.system", None, ["touch /tmp/canary"], {}]).encode(),
        pickle.dumps(("os.system", None, ["touch /tmp/canary"], {})),
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps(["rider_core.worker.perform", None, [], {"spec": {"task": "text.generate"}}]).encode(),
        json.dumps(["os.system", None, [], {"spec": {"task": "text.generate", "payload": {"prompt": "x"}}}]).encode(),
    ],
)
def test_a_strangers_job_is_not_decoded_into_code(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        spec_from_data(data)


def test_while_redis_is_away_nothing_is_accepted(backend: RedisJobBackend, valkey: Valkey) -> None:
    kept = backend.submit(spec())
    valkey.kill()
    with pytest.raises(BackendUnavailable, match="Redis cannot be reached"):
        backend.submit(spec(id="refused"))
    valkey.start()
    assert backend.get(kept).state is JobState.WAITING
    with pytest.raises(JobNotFound):
        backend.get("refused")
