"""Processes that share their metrics: restarts, ends, and names that are taken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

#: Counts, sets gauges, says so, and waits for its end.
MEMBER = """
import sys
from rider_core.metrics import FRAMES, MODEL_BYTES, SCHEDULER_BEAT, UTTERANCE_SECONDS, definitions
FRAMES.labels("seen").inc(2)
UTTERANCE_SECONDS.labels("done").observe(0.3)
MODEL_BYTES.labels("whisper").set(100)
SCHEDULER_BEAT.labels("scheduler").set(float(sys.argv[1]))
print(definitions.shares_values(), flush=True)
sys.stdin.read()
"""
SCRAPE = """
from rider_core.metrics.exposition import exposition, registry
print(exposition(registry(), "")[0].decode())
"""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Members:
    """Starts processes that share their metrics in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[str]] = []

    def environment(self, name: str) -> dict[str, str]:
        return {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self.folder), "RIDER_PROCESS": name}

    def start(self, name: str, beat: float = 1.0) -> subprocess.Popen[str]:
        """Start a process, and wait until it has counted. Its `shares` tells whether it has its name."""
        process = subprocess.Popen(
            [sys.executable, "-c", MEMBER, str(beat)],
            env=self.environment(name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        return process

    def end(self, process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
        process.send_signal(number)
        process.communicate(timeout=10)

    def scrape(self) -> Samples:
        run = subprocess.run(
            [sys.executable, "-c", SCRAPE], env=self.environment("panel"), capture_output=True, text=True, check=True
        )
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(run.stdout)
            for sample in family.samples
        }


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Members]:
    started = Members(tmp_path)
    yield started
    for process in started.running:
        if process.poll() is None:
            started.end(process)


def key(name: str, **labels: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, tuple(sorted(labels.items()))


SEEN = key("rider_frames_total", outcome="seen")
MODEL = key("rider_loaded_model_bytes", provider="whisper")


def test_counters_and_histograms_of_all_processes_are_summed(members: Members) -> None:
    members.start("worker_0")
    members.start("worker_1")
    found = members.scrape()
    assert found[SEEN] == 4
    assert found[key("rider_utterance_seconds_count", step="done")] == 2
    assert found[key("rider_utterance_seconds_bucket", step="done", le="0.4")] == 2
    assert found[MODEL] == 200


def test_a_dead_process_counts_but_its_gauges_do_not(members: Members) -> None:
    dead = members.start("worker_0", beat=500)
    members.start("worker_1", beat=400)
    members.end(dead)
    found = members.scrape()
    assert found[SEEN] == 4
    assert found[MODEL] == 100
    assert found[key("rider_scheduler_heartbeat_timestamp_seconds", process="scheduler")] == 400
    assert found[key("rider_process_up", process="worker-0")] == 0
    assert found[key("rider_process_up", process="worker-1")] == 1
    assert key("rider_process_threads", process="worker-0") not in found
    assert found[key("rider_process_threads", process="worker-1")] >= 1
    assert found[key("rider_process_own_memory_bytes", process="worker-1")] > 1e6


def test_restarts_make_no_more_files(members: Members) -> None:
    for _ in range(4):
        members.end(members.start("link"))
    files = sorted(file.name for file in members.folder.iterdir())
    members.end(members.start("link"))
    assert sorted(file.name for file in members.folder.iterdir()) == files
    found = members.scrape()
    assert found[SEEN] == 10
    assert found[key("rider_process_restarts_total", process="link")] == 4
    assert MODEL not in found


def test_a_gauge_of_the_process_before_is_not_this_ones(members: Members) -> None:
    members.end(members.start("worker_0"))
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            "from rider_core.metrics.exposition import *; print(exposition(registry(), '')[0].decode())",
        ],
        env=members.environment("worker_0"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rider_loaded_model_bytes{" not in process.stdout


def test_a_second_process_of_a_name_disturbs_nothing(members: Members) -> None:
    members.start("worker_0")
    process = subprocess.run(
        [sys.executable, "-c", MEMBER, "9"],
        env=members.environment("worker_0"),
        input="",
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout == "False\n"
    found = members.scrape()
    assert found[SEEN] == 2
    assert found[key("rider_scheduler_heartbeat_timestamp_seconds", process="scheduler")] == 1


def test_a_process_without_a_name_keeps_its_metrics(members: Members) -> None:
    environment = members.environment("")
    process = subprocess.run(
        [sys.executable, "-c", MEMBER, "9"], env=environment, input="", capture_output=True, text=True, check=True
    )
    assert process.stdout == "False\n"
    assert list(members.folder.iterdir()) == []


def test_a_damaged_file_hides_no_other(members: Members, capfd: pytest.CaptureFixture[str]) -> None:
    members.start("worker_0")
    (members.folder / "counter_robot.db").write_bytes(b"\xff" * 70_000)
    assert members.scrape()[SEEN] == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_lock_ends_with_its_process(members: Members, number: int) -> None:
    members.end(members.start("link"), number)
    assert members.scrape()[key("rider_process_up", process="link")] == 0


def test_a_lock_outlives_the_replacement_of_its_program(members: Members) -> None:
    program = """
import os, sys
from rider_core.metrics.definitions import outlive_exec
outlive_exec()
os.execv("/bin/sh", ["sh", "-c", "echo ready; read x"])
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=members.environment("redis"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    members.running.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert members.scrape()[key("rider_process_up", process="redis")] == 1
