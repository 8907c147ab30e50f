"""Malformed data of other programs or faults in a job's place in Redis: no process ends, and other jobs are done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
import redis

from rider_core.api import BatchSpec, JobState
from rider_core.errors import BackendUnavailable, JobNotFound
from rider_core.jobs import Outcome, RedisJobBackend
from rider_core.jobs.store.batch_chunks import items_of
from rider_core.jobs.store.keys import job_key
from rider_core.jobs.store.metadata import JobMetadata
from rider_core.jobs.store.protocol import RECORD_FIELDS
from rider_core.jobs.store.records import record_from_fields
from rider_core.testing.jobs import JobHarness
from rider_core.testing.jobs.harness import spec

ODD = [
    b"",
    b"nan",
    b"-inf",
    b"1e999",
    b"-1",
    b"12x",
    b"1.5",
    b"0x10",
    b"9" * 400,
    b"\xff\xfe",
    b"{",
    b"NaN",
    b"null",
    b"[1]",
]
#: A job's own fields, and those that only the functions read.
FIELDS = [*RECORD_FIELDS, "extra_attempts", "origin", "execution", "worker_name", "nonce", "data", "exc_info"]


def packed_metadata(**fields: str) -> str:
    """Of a job of `text.generate`; the fields that are not given are empty."""
    empty = dict.fromkeys(JobMetadata._fields, "")
    return JobMetadata(**empty | {"task": "text.generate", "queue": "text", "priority": "normal"} | fields).pack()


METADATA = [
    packed_metadata(max_attempts=max_attempts, submitted_ts=submitted_ts, deadline_ts=deadline_ts)
    for max_attempts, submitted_ts, deadline_ts in (
        ["nan", "5", ""],
        ["3", "nan", ""],
        ["3", "inf", "5"],
        ["3", "1.2.3", ""],
        ["-1", "5", "nan"],
        ["9" * 99, "5", ""],
    )
]


@pytest.mark.parametrize("field", RECORD_FIELDS)
@pytest.mark.parametrize("value", ODD)
def test_any_field_makes_some_record(field: str, value: bytes) -> None:
    metadata = packed_metadata(max_attempts="3", submitted_ts="5.0").encode()
    good = {"status": b"finished", "metadata": metadata, "attempts": b"1", "result": b"{}"}
    record = record_from_fields("x", [value if name == field else good.get(name, b"") for name in RECORD_FIELDS])
    assert record is not None
    assert json.loads(record.model_dump_json())["id"] == "x"


def test_a_damaged_one_says_so() -> None:
    values = [b"nan" if name == "attempts" else b"finished" if name == "status" else None for name in RECORD_FIELDS]
    record = record_from_fields("x", values)
    assert record is not None
    assert record.state is JobState.FAILED
    assert record.problem is not None
    assert (record.problem.code, record.problem.remedy) == ("damaged", "rider queue purge x")


@pytest.mark.parametrize("packed", [*METADATA, "", "|" * (len(JobMetadata._fields) - 1), "x"])
def test_numbers_of_the_metadata_are_numbers_or_nothing(packed: str) -> None:
    metadata = JobMetadata.unpack(packed)
    for number in (metadata.submitted_ts, metadata.deadline_ts, metadata.max_attempts, metadata.items):
        assert float(number or 0) >= 0


def test_neighbours_of_odd_ones_are_done(
    backend: RedisJobBackend, harness: JobHarness, connection: redis.Redis
) -> None:
    first = backend.submit(spec())
    odd = []
    for field in FIELDS:
        for value in ODD:
            odd.append(backend.submit(spec()))
            connection.hset(job_key(odd[-1]), field, value)
    for metadata in METADATA:
        odd.append(backend.submit(spec()))
        connection.hset(job_key(odd[-1]), "metadata", metadata)
    for kind in ("string", "list", "gone"):
        odd.append(backend.submit(spec()))
        connection.delete(job_key(odd[-1]))
        if kind == "string":
            connection.set(job_key(odd[-1]), "x")
        elif kind == "list":
            connection.rpush(job_key(odd[-1]), "x")
    last = backend.submit(spec())
    connection.hset("rider:metrics:text.generate", "started", "many")
    connection.hset("rider:metrics:text.generate", "waited:us", "nan")
    taken = harness.dequeue_all()
    assert [taken[0].id, taken[-1].id] == [first, last]
    for leased in taken:
        harness.fail(leased, Outcome.PERMANENT) if leased.id in odd else harness.done(leased, "well")
    assert {backend.get(it).state for it in (first, last)} == {JobState.DONE}
    assert backend.figures()
    assert backend.stats()
    assert backend.capacity() is not None
    assert backend.recent(1_000)
    assert backend.dead_letters("text", 1_000)
    # Of what is taken out of the queue, nothing is left anywhere.
    assert harness.dequeue_all() == []


def test_a_worker_whose_record_is_odd_counts_for_none(backend: RedisJobBackend, connection: redis.Redis) -> None:
    for number, tasks in enumerate((b"{", b"7", b'{"a":1}', b'[["text.generate"]]', b"\xff")):
        name = f"rq:worker:odd{number}"
        connection.sadd("rq:workers", name)
        connection.hset(name, mapping={"rider_tasks": tasks, "queues": b"\xff", "last_heartbeat": "yesterday"})
    assert backend.capacity()["text.generate"] == 0
    assert {figures.workers for figures in backend.stats()} == {0}


def test_a_malformed_chunk_is_ignored() -> None:
    good = b'{"done":"1","failed":"","problems":[],"results":[{"text":"x"}]}'
    odd = [b"", b"{", b"[]", b"7", b'{"done":"0-999999999999","failed":"","problems":[],"results":[]}']
    odd += [
        b'{"done":"x","failed":"","problems":[],"results":[]}',
        b'{"done":"0","failed":"","problems":[],"results":[NaN]}',
    ]
    items = items_of([*odd, good, *odd], 3)
    assert [item.result for item in items] == [None, {"text": "x"}, None]


def test_an_odd_record_of_a_batch(backend: RedisJobBackend, harness: JobHarness, connection: redis.Redis) -> None:
    batch = backend.submit_batch(BatchSpec(task="text.generate", payloads=[{"prompt": "a"}, {"prompt": "b"}]))
    connection.rpush(f"rider:items:{batch}", b"{", b"nan")
    connection.hset(job_key(batch), "items_done", "nan")
    assert backend.get(batch).state is JobState.FAILED
    assert harness.dequeue().id == batch


def put_in_its_place(connection: redis.Redis, key: str, kind: str) -> None:
    """Another kind of thing under a key."""
    connection.delete(key)
    if kind == "set":
        connection.sadd(key, "x")
    elif kind == "stream":
        connection.xadd(key, {"x": "y"})
    elif kind == "string":
        connection.set(key, "x")
    elif kind == "hash":
        connection.hset(key, "x", "y")


@pytest.mark.parametrize("kind", ["set", "stream"])
def test_another_kind_of_thing_wherever_a_job_may_stand(
    backend: RedisJobBackend, harness: JobHarness, connection: redis.Redis, kind: str
) -> None:
    """It waits for its time, it runs, it failed, it ended: its neighbours have what they should have."""
    resting, running, failed, ended = ([backend.submit(spec()) for _ in range(2)] for _ in range(4))
    for leased in harness.dequeue_all():
        if leased.id in resting:
            harness.fail(leased, delay_s=0.01)
        elif leased.id in failed:
            harness.fail(leased, Outcome.PERMANENT)
        elif leased.id in ended:
            harness.done(leased, "well")
        else:
            connection.zadd(f"rq:wip:{leased.lane}", {f"{leased.id}:{leased.execution}": time.time() - 100})
    for odd, _ in (resting, running, failed, ended):
        put_in_its_place(connection, job_key(odd), kind)
    assert harness.consumer.reap() >= 1
    assert {harness.dequeue().id, harness.dequeue().id} == {resting[1], running[1]}
    assert [letter.record.id for letter in backend.dead_letters("text", 10)] == [failed[1]]
    assert ended[1] in [record.id for record in backend.recent(10)]
    for odd, _ in (resting, running, failed, ended):
        with pytest.raises(BackendUnavailable, match="something of another kind"):
            backend.get(odd)
        with suppress(JobNotFound):
            assert not backend.cancel(odd)
        assert not backend.requeue(odd)
    assert backend.requeue_all("text") == 1
    assert harness.dequeue().id == failed[1]
    older = backend.submit(spec(newest_key="frame"))
    put_in_its_place(connection, job_key(older), kind)
    newest = backend.submit(spec(newest_key="frame"))
    assert [leased.id for leased in harness.dequeue_all()] == [newest]
    assert backend.stats()


@pytest.mark.parametrize(
    "name", ["zażółć", "漢字", b"\xff\xfe", "a\nb\x1b[31m", "x" * 100_000, "", "rq:job:", "%s{}"], ids=repr
)
def test_a_name_that_is_no_jobs(
    backend: RedisJobBackend, harness: JobHarness, connection: redis.Redis, name: str | bytes
) -> None:
    """Other programs call their jobs as they like."""
    raw = name if isinstance(name, bytes) else name.encode()
    for there in (True, False):
        if there:
            connection.hset(b"rq:job:" + raw, mapping={"status": "queued", "data": "x", "origin": "text"})
        connection.rpush("rq:queue:text", raw)
        connection.zadd("rq:scheduled:text", {raw: 1})
        connection.zadd("rq:wip:text", {raw: 1, raw + b":" + raw: 1})
        connection.zadd("rq:failed:text", {raw: time.time() + 1_000})
        connection.lpush("rider:recent", raw)
        job = backend.submit(spec())
        harness.consumer.reap()
        for leased in iter(lambda: next(iter(harness.consumer.dequeue()), None), None):
            harness.done(leased, "well") if leased.id == job else harness.fail(leased, Outcome.PERMANENT)
        assert backend.get(job).state is JobState.DONE
        assert backend.recent(10)
        for letter in backend.dead_letters("text", 10):
            assert json.loads(letter.model_dump_json())
        assert backend.stats()
        backend.purge_all("text")


def error_of(call: Callable[[], object]) -> str:
    """The message of the call's `BackendUnavailable`; empty where it raises none."""
    try:
        call()
    except BackendUnavailable as error:
        return error.message
    return ""


@pytest.mark.parametrize("kind", ["string", "hash", "stream"])
@pytest.mark.parametrize(
    "key", ["rq:queue:text", "rq:scheduled:text", "rq:wip:text", "rq:failed:text", "rider:recent", "rider:idle:text"]
)
def test_a_key_of_another_type_is_reported_and_jobs_continue(
    backend: RedisJobBackend, harness: JobHarness, connection: redis.Redis, key: str, kind: str
) -> None:
    put_in_its_place(connection, key, kind)
    calls = [lambda: backend.submit(spec()), backend.stats, lambda: backend.dead_letters("text", 5)]
    for call in [*calls, lambda: backend.recent(5), lambda: backend.requeue_all("text")]:
        message = error_of(call)
        assert message == "" or "something of another kind is in the place of a queue or a record" in message
    for act in (harness.consumer.dequeue, harness.consumer.reap):  # as a worker does, which tries again
        with suppress(redis.RedisError):
            act()
    connection.delete(key)
    job = backend.submit(spec())
    assert job in [leased.id for leased in harness.dequeue_all()]
