"""One request as a job, on a real Valkey; the test plays the worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from rider_core.api import GenerateRequest, JobState, TextDelta
from rider_core.errors import JobExpired, JobFailed
from rider_core.eventbus import EventBus
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.testing.waiting import wait_until
from rider_core.web.openai import job_request as job_request_module
from rider_core.web.openai.client_connection import ClientConnection
from rider_core.web.openai.job_request import JobRequest


@pytest.fixture
def services(connection: redis.Redis) -> Iterator[Any]:
    backend = RedisJobBackend(connection, RQLists())
    yield SimpleNamespace(backend=backend, bus=EventBus(connection, "test"))
    backend.close()


def send(services: Any, stream: bool) -> JobRequest:
    return JobRequest(
        services, ClientConnection({}), "text.generate", GenerateRequest(prompt="hello"), None, stream=stream
    )


def test_a_dropped_piece_is_an_error(services: Any) -> None:
    job_request = send(services, stream=True)
    for seq in (0, 2):
        services.bus.publish_partial(job_request.id, TextDelta(seq=seq, text="a"))
    pieces = job_request.pieces()
    first = next(pieces)
    assert isinstance(first, dict)
    assert first["seq"] == 0
    with pytest.raises(JobFailed, match="piece 1 of job") as problem:
        next(pieces)
    assert problem.value.cause == "dropped"
    job_request.close()
    assert services.backend.get(job_request.id).state is JobState.CANCELLED


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reaped", [False, True], ids=["no worker", "a busy worker"])
def test_a_job_that_no_worker_starts_expires(
    services: Any, monkeypatch: pytest.MonkeyPatch, stream: bool, reaped: bool
) -> None:
    monkeypatch.setattr(job_request_module, "START_WITHIN_S", 0.01)
    job_request = send(services, stream)
    if reaped:
        end = time.monotonic() + 0.02
        wait_until(lambda: time.monotonic() > end, what="the deadline has passed")
        assert services.backend.consumer("w", ["text"]).dequeue() == []
    with pytest.raises(JobExpired, match=r"no worker has started the job within 0\.01 s.*rider up"):
        next(job_request.pieces()) if stream else job_request.result()
    job_request.close()
    assert services.backend.get(job_request.id).state in (JobState.EXPIRED, JobState.CANCELLED)


def test_a_stream_is_tried_once_and_a_whole_answer_once_more(services: Any) -> None:
    consumer = services.backend.consumer("w", ["text"])
    for stream, attempts in ((True, 1), (False, 2)):
        job_request = send(services, stream)
        (leased,) = consumer.dequeue()
        assert b'"max_attempts":%d' % attempts in leased.data
        job_request.close()
        job_request.close()
