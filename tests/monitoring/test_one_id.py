"""One id from the robot's first sample to the sound of the answer: jobs, events, log lines of all processes, spans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from harness.otlp_collector import OtlpCollector
from observed_stack import ObservedStack

from rider_core.eventbus import EventBus
from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.acceptance


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    collector = OtlpCollector()
    yield collector
    collector.close()


@pytest.fixture
def stack(processes: Processes, collector: OtlpCollector) -> Iterator[ObservedStack]:
    stack = ObservedStack(
        processes,
        {},
        RIDER_LOG_FORMAT="json",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="500",
    )
    try:
        stack.start(scraped=False)
        yield stack
    finally:
        stack.end()


def test_an_utterance_has_one_id_everywhere(stack: ObservedStack, collector: OtlpCollector) -> None:
    backend, bus = stack.backend(), EventBus(stack.connection(), "test")
    events: list[Any] = []

    def answered() -> str:
        """The id of an utterance whose answer was spoken; empty: none yet."""
        events[:] = bus.recent(2_000)
        traces = [event.data.get("trace_id") for event in events if event.kind == "robot.speech"]
        return next((trace for trace in traces if trace), "")

    wait_until(answered, 60, "a spoken answer")
    trace_id = answered()
    found = [event for event in events if event.data.get("trace_id") == trace_id]
    assert {event.kind for event in found} >= {"robot.transcript", "robot.reply", "robot.speech", "job.done"}
    tasks = {event.data["task"]: event.job_id for event in found if event.kind == "job.done"}
    assert tasks.keys() == {"voice.transcribe", "text.generate", "voice.synthesize"}
    for job_id in tasks.values():
        assert job_id != trace_id
        assert backend.get(str(job_id)).trace_id == trace_id
    assert {line["process"] for line in lines_of(stack, trace_id)} >= {"link", "worker-voice", "worker-text"}
    steps = {"speech", "end of speech", "submission", "utterance", "answer", *(f"{task} runs" for task in tasks)}
    wait_until(lambda: steps <= collector.spans(trace_id).keys(), 20, f"the spans {steps}")
    spans = collector.spans(trace_id)
    root = spans["utterance"]
    assert root.parent_span_id == b""
    assert all(span.parent_span_id == root.span_id for name, span in spans.items() if name != "utterance")
    assert spans["speech"].start_time_unix_nano == pytest.approx(root.start_time_unix_nano, abs=5e7)
    assert spans["end of speech"].end_time_unix_nano <= spans["voice.transcribe runs"].end_time_unix_nano


def test_an_answer_over_http_tells_its_id(stack: ObservedStack) -> None:
    response = stack.post(
        "/v1/chat/completions", {"model": "lab-text", "messages": [{"role": "user", "content": "Hi"}]}
    )
    assert response.status_code == 200, response.text
    trace_id = response.headers["X-Request-Id"]
    assert stack.backend().get(trace_id).trace_id == trace_id
    wait_until(lambda: lines_of(stack, trace_id), what="the worker's line")
    robot = stack.post_to_link("/providers/text/generate", {"prompt": "Hi"})
    assert robot.status_code == 200, robot.text
    assert robot.headers["X-Request-Id"] == robot.json()["task_id"]


def lines_of(stack: ObservedStack, trace_id: str) -> list[dict[str, Any]]:
    """The log lines of a trace. Redis and supervisord write lines of their own kind."""
    lines = [line for line in stack.processes.log("up").splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line.get("trace_id") == trace_id]
