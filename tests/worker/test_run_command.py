"""`rider run` with a real worker: ending the command cancels its job."""

from __future__ import annotations

import signal
import subprocess

import pytest
from worker_harness import WorkerHarness

from rider_core.api import JobState
from rider_core.testing.waiting import wait_until
from rider_core.timing import Stopwatch


def run(harness: WorkerHarness, prompt: str, *more: str) -> subprocess.Popen[bytes]:
    return harness.processes.start(
        "-m", "rider_core.cli.main", "run", "text.generate", prompt, "--provider", "probe", *more, log="run"
    )


def state_of_only_job(harness: WorkerHarness) -> JobState:
    (record,) = harness.backend.recent(10)
    return record.state


def test_ctrl_c_cancels_the_job(harness: WorkerHarness) -> None:
    harness.start_fast("text")
    command = run(harness, "j1 stream 2000")
    wait_until(lambda: "and and" in harness.processes.log("run"), 30, what="the first pieces")
    command.send_signal(signal.SIGINT)
    assert command.wait(10) == 130
    assert state_of_only_job(harness) is JobState.CANCELLED
    assert "Traceback" not in harness.processes.log("run")
    assert harness.backend.wait(harness.submit("j2"), 20).state is JobState.DONE


def test_a_streaming_job_is_cancelled_at_its_timeout(harness: WorkerHarness) -> None:
    harness.start_fast("text")
    assert harness.backend.wait(harness.submit("j0"), 20).state is JobState.DONE
    watch = Stopwatch.start()
    assert run(harness, "j1 stream 2000", "--timeout", "2").wait(30) == 1
    assert watch.elapsed_s < 12
    assert "not ended within 2 s, and was cancelled" in harness.processes.log("run")
    cancelled = [it for it in harness.backend.recent(10) if it.state is JobState.CANCELLED]
    assert len(cancelled) == 1


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["pieces", "json"])
def test_an_engines_text_has_no_control_sequences(harness: WorkerHarness, more: tuple[str, ...]) -> None:
    """A model may repeat any text of its training, and a lone surrogate cannot be encoded."""
    harness.start_fast("text")
    assert run(harness, "j1 evil", *more).wait(30) == 0, harness.processes.log("run")
    said = harness.processes.log("run")
    assert "owned" in said
    assert "half" in said
    assert said.replace("\n", "").isprintable()
