"""A job that is followed: its partial results in order, then its record; a gap and a timeout are errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from rider_core.api import GenerateRequest, JobProblem, JobRecord, JobSpec, JobState, TextDelta
from rider_core.errors import JobFailed, WaitTimeout
from rider_core.eventbus import EventBus
from rider_core.jobs import AttemptResult, Outcome, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.runtime.job_stream import follow_job


@pytest.fixture
def backend(connection: redis.Redis) -> Iterator[RedisJobBackend]:
    backend = RedisJobBackend(connection, RQLists())
    yield backend
    backend.close()


@pytest.fixture
def bus(connection: redis.Redis) -> EventBus:
    return EventBus(connection, "test")


def submit(backend: RedisJobBackend) -> str:
    payload = GenerateRequest(prompt="hello").model_dump(mode="json", exclude_none=True)
    return backend.submit(JobSpec(task="text.generate", payload=payload, stream=True))


def write(bus: EventBus, job_id: str, *numbers: int) -> None:
    for number in numbers:
        bus.publish_partial(job_id, TextDelta(seq=number, text=f"word {number} "))


def test_partial_results_and_then_the_record_of_a_job_that_failed(backend: RedisJobBackend, bus: EventBus) -> None:
    job_id = submit(backend)
    write(bus, job_id, 0, 1)
    backend.cancel(job_id)
    *pieces, record = follow_job(bus, backend, job_id, 5)
    assert [piece["text"] for piece in pieces if isinstance(piece, dict)] == ["word 0 ", "word 1 "]
    assert isinstance(record, JobRecord)
    assert (record.id, record.state) == (job_id, JobState.CANCELLED)


@pytest.mark.parametrize("numbers", [(1,), (0, 2), (0, 0)])
def test_a_gap_is_an_error(backend: RedisJobBackend, bus: EventBus, numbers: tuple[int, ...]) -> None:
    job_id = submit(backend)
    write(bus, job_id, *numbers)
    with pytest.raises(JobFailed, match="was dropped before it was read") as gap:
        list(follow_job(bus, backend, job_id, 5))
    assert gap.value.cause == "dropped"


def test_the_pieces_of_another_attempt_begin_again(backend: RedisJobBackend, bus: EventBus) -> None:
    job_id = submit(backend)
    consumer = backend.consumer("w", ["text"])
    (leased,) = consumer.dequeue()
    write(bus, job_id, 0, 1)
    problem = JobProblem(code="crashed", message="the engine broke")
    consumer.commit([AttemptResult.with_problem(leased, Outcome.FAILED, problem)])
    write(bus, job_id, 0)
    backend.cancel(job_id)
    *pieces, record = follow_job(bus, backend, job_id, 5)
    assert [piece["seq"] for piece in pieces if isinstance(piece, dict)] == [0, 1, 0]
    assert isinstance(record, JobRecord)
    assert record.state is JobState.CANCELLED


def test_silence_is_an_error(backend: RedisJobBackend, bus: EventBus) -> None:
    job_id = submit(backend)
    write(bus, job_id, 0)
    stream = follow_job(bus, backend, job_id, 0.2)
    next(stream)
    with pytest.raises(WaitTimeout, match=r"had no event for 0\.2 s"):
        next(stream)
