"""One job for one caller, on a real Valkey, with the worker's part played by the test."""

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
from rider_core.web.openai import errand as errand_module
from rider_core.web.openai.caller import Caller
from rider_core.web.openai.errand import Errand


@pytest.fixture
def services(connection: redis.Redis) -> Iterator[Any]:
    backend = RedisJobBackend(connection, RQLists())
    yield SimpleNamespace(backend=backend, bus=EventBus(connection, "test"))
    backend.close()


def send(services: Any, stream: bool) -> Errand:
    return Errand(services, Caller({}), "text.generate", GenerateRequest(prompt="hello"), None, stream=stream)


def test_a_piece_that_was_dropped_is_missed(services: Any) -> None:
    errand = send(services, stream=True)
    for seq in (0, 2):
        services.bus.publish_partial(errand.id, TextDelta(seq=seq, text="a"))
    pieces = errand.pieces()
    first = next(pieces)
    assert isinstance(first, dict)
    assert first["seq"] == 0
    with pytest.raises(JobFailed, match="piece 1 of job") as problem:
        next(pieces)
    assert problem.value.cause == "dropped"
    errand.close()
    assert services.backend.get(errand.id).state is JobState.CANCELLED


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reaped", [False, True], ids=["no worker", "a busy worker"])
def test_what_nobody_begins_is_given_up(
    services: Any, monkeypatch: pytest.MonkeyPatch, stream: bool, reaped: bool
) -> None:
    monkeypatch.setattr(errand_module, "START_WITHIN_S", 0.01)
    errand = send(services, stream)
    if reaped:
        end = time.monotonic() + 0.02
        wait_until(lambda: time.monotonic() > end, what="the deadline has passed")
        assert services.backend.desk("w", ["text"]).take() == []
    with pytest.raises(JobExpired, match=r"no worker has begun the job within 0\.01 s.*rider up"):
        next(errand.pieces()) if stream else errand.result()
    errand.close()
    assert services.backend.get(errand.id).state in (JobState.EXPIRED, JobState.CANCELLED)


def test_a_stream_is_tried_once_and_a_whole_answer_once_more(services: Any) -> None:
    desk = services.backend.desk("w", ["text"])
    for stream, attempts in ((True, 1), (False, 2)):
        errand = send(services, stream)
        (claim,) = desk.take()
        assert b'"max_attempts":%d' % attempts in claim.data
        errand.close()
        errand.close()
