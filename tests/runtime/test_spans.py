"""Spans over OTLP/HTTP: a collector that reads the protocol's own messages, and a process that exports to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from harness.otlp_collector import OtlpCollector

from rider_core.testing.waiting import wait_until
from rider_core.tracing.spans import LAST_S

#: In the environment with the SDK: where that is installed, redis-py loads it into every process.
pytestmark = pytest.mark.acceptance

TRACE = "0123456789abcdef0123456789abcdef"
PROGRAM = f"""
import logging, sys
logging.basicConfig(level="INFO")
from rider_core.tracing import export_spans, is_exporting, record_span
export_spans("link", "9.9")
record_span("{TRACE}", "speech", 1_000.0, 1_001.5)
record_span("{TRACE}", "utterance", 1_000.0, 1_002.0, {{"rider.robot": "rider-pi"}}, root=True)
record_span("{TRACE}", "voice.transcribe runs", 1_001.5, 1_001.9, error="failed")
record_span("not an id", "odd", 1.0, 2.0)
record_span("", "none", 1.0, 2.0)
print(is_exporting())
"""


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    started = OtlpCollector()
    yield started
    started.close()


def run(endpoint: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    if endpoint:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**inherited, **environment}, capture_output=True, text=True, timeout=60
    )


def test_steps_are_children_of_the_root_that_every_process_knows(collector: OtlpCollector) -> None:
    finished = run(collector.url)
    assert (finished.returncode, finished.stdout) == (0, "True\n"), finished.stderr
    assert set(collector.paths) == {"/v1/traces"}
    spans = collector.spans(TRACE)
    assert spans.keys() == {"speech", "utterance", "voice.transcribe runs"}
    root = spans["utterance"]
    assert all(span.trace_id.hex() == TRACE for span in spans.values())
    assert root.span_id.hex() == TRACE[:16]
    assert root.parent_span_id == b""
    assert spans["speech"].parent_span_id == root.span_id
    assert spans["speech"].span_id not in (b"", root.span_id)
    assert (spans["speech"].start_time_unix_nano, spans["speech"].end_time_unix_nano) == (10**12, 10**12 + 15 * 10**8)
    assert {it.key: it.value.string_value for it in root.attributes} == {"rider.robot": "rider-pi"}
    assert spans["voice.transcribe runs"].status.message == "failed"
    assert spans["voice.transcribe runs"].status.code == 2
    resource = {it.key: it.value.string_value for it in collector.requests[0].resource_spans[0].resource.attributes}
    assert (resource["service.name"], resource["service.instance.id"]) == ("rider-pc", "link")


def test_a_forked_process_sends_its_last_spans(collector: OtlpCollector) -> None:
    program = f"""
from rider_core.runtime.fork_server import ForkServer
from rider_core.runtime.supervision import Program
def child(arguments):
    from rider_core.tracing import export_spans, record_span
    export_spans("worker-text", "9.9")
    record_span("{TRACE}", "text.generate runs", 1.0, 2.0)
ForkServer([Program("worker-text", "x", 10)], child).run()
"""
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    server = subprocess.Popen([sys.executable, "-c", program], env=environment)
    try:
        wait_until(lambda: collector.requests, 20, "the spans of a fork that has ended")
    finally:
        server.terminate()
        assert server.wait(20) == 0


def test_nothing_is_exported_unless_an_endpoint_is_named(collector: OtlpCollector) -> None:
    assert run().stdout == "False\n"
    assert collector.requests == []


def test_a_collector_that_is_away_delays_an_end_by_two_seconds_at_most() -> None:
    before = time.monotonic()
    assert run().returncode == 0
    without_s = time.monotonic() - before
    finished = run("http://127.0.0.1:9")
    assert (finished.returncode, finished.stdout) == (0, "True\n"), finished.stderr
    assert time.monotonic() - before - 2 * without_s < LAST_S + 3


def test_without_the_packages_a_sentence_says_so() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None\n" + PROGRAM
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.stdout == "False\n"
    assert "pip install 'rider-core[otel]'" in finished.stderr


@pytest.mark.parametrize("option", ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_SCHEDULE_DELAY"])
def test_a_wrong_option_ends_no_process(collector: OtlpCollector, option: str) -> None:
    finished = run(collector.url, **{option: "-1"})
    assert (finished.returncode, finished.stdout) == (0, "False\n"), finished.stderr
    assert "correct the variables OTEL_" in finished.stderr
