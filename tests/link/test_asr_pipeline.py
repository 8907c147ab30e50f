"""Each utterance has a deadline, whatever the wall clock does, and only a failure of the engine fails voice over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from rider_core.api.jobs import JobSpec
from rider_core.errors import JobFailed, RiderError, WaitTimeout
from rider_core.link.asr_pipeline import DEADLINE_S, KEPT_DEADLINE_S, AsrPipeline
from rider_core.link.endpointing import Utterance
from rider_core.link.services import LinkServices
from rider_core.testing.waiting import wait_until

UTTERANCE = Utterance(bytes(640), quiet_s=0.6)


class ScriptedBackend:
    """Every job ends with `error`."""

    def __init__(self) -> None:
        self.error: RiderError = WaitTimeout("too late")
        self.on_submit: Callable[[], None] = lambda: None
        self.submitted: list[JobSpec] = []
        self.timeouts_s: list[float] = []

    def submit(self, spec: JobSpec) -> str:
        self.submitted.append(spec)
        self.on_submit()
        return spec.id

    def wait(self, job_id: str, timeout_s: float) -> NoReturn:
        self.timeouts_s.append(timeout_s)
        raise self.error


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
def failed_over() -> list[str]:
    """The reasons for which voice was failed over."""
    return []


@pytest.fixture
def start(backend: ScriptedBackend, failed_over: list[str]) -> Iterator[Callable[[bool], AsrPipeline]]:
    pipelines = []

    def start(voice_keepalive: bool = False) -> AsrPipeline:
        conversation: Any = None
        services = LinkServices(backend, lambda *_, **__: None, lambda *_: iter(()), lambda: None, dict)  # type: ignore[arg-type,return-value]
        pipeline = AsrPipeline(services, lambda *_: True, failed_over.append, conversation, voice_keepalive)
        pipeline.start()
        pipelines.append(pipeline)
        return pipeline

    yield start
    for pipeline in pipelines:
        pipeline.stop()


@pytest.mark.parametrize(("voice_keepalive", "deadline_s"), [(False, DEADLINE_S), (True, KEPT_DEADLINE_S)])
def test_the_deadline_counts_from_the_end_of_speech(
    backend: ScriptedBackend, start: Callable[..., AsrPipeline], voice_keepalive: bool, deadline_s: float
) -> None:
    """A sentence of 25 s took a busy PC more than 5 s, and a failover ends the robot's voice service."""
    start(voice_keepalive).recognise(UTTERANCE, time.monotonic() - 0.6, None)
    wait_until(lambda: bool(backend.timeouts_s))
    assert backend.submitted[0].deadline_ts == pytest.approx(time.time() + deadline_s - 0.6, abs=0.5)
    assert backend.timeouts_s[0] == pytest.approx(deadline_s - 0.6, abs=0.5)


def test_the_clock_is_set_back_while_a_job_runs(
    backend: ScriptedBackend, start: Callable[..., AsrPipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, now = start(), time.time
    backend.on_submit = lambda: monkeypatch.setattr(time, "time", lambda: now() - 7200)
    pipeline.recognise(UTTERANCE, time.monotonic() - 0.6, None)
    wait_until(lambda: bool(backend.timeouts_s))
    assert backend.timeouts_s[0] <= DEADLINE_S


@pytest.mark.parametrize(
    ("error", "fails_over"),
    [
        (JobFailed("this is no sound", cause="invalid_input"), False),
        (JobFailed("the engine is broken", cause="provider_error"), True),
        (WaitTimeout("too late"), True),
    ],
)
def test_a_clip_that_the_engine_refuses_is_no_reason_for_a_failover(
    backend: ScriptedBackend,
    failed_over: list[str],
    start: Callable[..., AsrPipeline],
    error: RiderError,
    fails_over: bool,
) -> None:
    backend.error = error
    pipeline = start()
    pipeline.recognise(UTTERANCE, time.monotonic() - 0.6, None)
    wait_until(lambda: bool(backend.timeouts_s))
    pipeline.stop()
    assert bool(failed_over) == fails_over
