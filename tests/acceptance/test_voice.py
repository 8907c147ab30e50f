"""The whole stack against a robot that shares no code with it: words, delays, silence, speech."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rider_core.testing.ports import free_port
from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

HERE = Path(__file__).parent
MEDIA = Path(__file__).parents[3] / "shared" / "media"

pytestmark = [pytest.mark.acceptance, pytest.mark.measures]


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_a_spoken_sentence_goes_all_the_way(processes: Processes) -> None:
    assert shutil.which("espeak-ng"), "install the program to compare with: apt-get install espeak-ng"
    robot = {name: free_port() for name in ("publish", "subscribe", "api")}
    processes.environment.update(
        RIDER_PI_HOST="127.0.0.1",
        RIDER_PI_PUBLISH_PORT=str(robot["publish"]),
        RIDER_PI_SUBSCRIBE_PORT=str(robot["subscribe"]),
        RIDER_PI_API_PORT=str(robot["api"]),
        RIDER_WEB_PORT=str(free_port()),
        RIDER_LINK_PORT=str(free_port()),
        RIDER_PLUGINS_DISABLED="",
        **{name: os.environ[name] for name in ("RIDER_MODEL_PATH",) if name in os.environ},
    )
    processes.start("-m", "rider_core.cli.main", "up", log="up")
    wait_until(lambda: "Rider-PC is up" in processes.log("up"), 300, "the announcement")
    ports = [f"--{name}-port={port}" for name, port in robot.items()]
    finished = subprocess.run(
        [
            sys.executable,
            str(HERE / "robot_voice.py"),
            "--wait-ready=60",
            "--silence-s=10",
            f"--wav={MEDIA / 'beckett.wav'}",
            *ports,
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    print(finished.stdout)
    assert finished.returncode == 0, finished.stdout + finished.stderr + processes.log("up")[-3000:]
    figures = json.loads(finished.stdout.splitlines()[-1])
    assert figures["wer"] <= 0.15
    assert figures["latency_max_s"] <= 2.5
    assert figures["silence_texts"] == 0
    assert figures["tts_first_chunk_ms"] <= 150
    assert 0.9 <= figures["tts_length_ratio"] <= 1.1
