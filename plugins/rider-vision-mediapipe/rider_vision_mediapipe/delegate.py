"""Whether the model runs on a GPU: what the machine has, and a trial in a process of its own.

MediaPipe's GPU code may end the process, or hang in a driver, where the graphics card does not fit. So the trial is
somebody else's life: a child, with a time limit.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Literal

from rider_core.errors import ProviderUnavailable

Wanted = Literal["auto", "cpu", "gpu"]
Device = Literal["CPU", "GPU"]

#: Where Linux shows a graphics card: any with a kernel driver, NVIDIA's, ARM's, Qualcomm's, the one of WSL.
DEVICE_FILES = ("/dev/dri/renderD*", "/dev/nvidia[0-9]*", "/dev/mali[0-9]*", "/dev/kgsl-3d0", "/dev/dxg")
#: Loading takes a second, a driver that compiles its programs for the first time some more.
TRIAL_TIMEOUT_S = 30.0
#: Of what the child wrote, the end.
_KEPT_BYTES = 4_096
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Choice:
    device: Device
    reason: str


@dataclass(frozen=True)
class Trial:
    """What became of it.

    Attributes:
        gpu_ms: Time of one detection on the GPU. None: it does not work.
        cpu_ms: The same on the processor.
        problem: Why it does not work.
    """

    gpu_ms: float | None = None
    cpu_ms: float | None = None
    problem: str = ""


def graphics_devices(patterns: Sequence[str] = DEVICE_FILES) -> list[str]:
    return sorted(path for pattern in patterns for path in glob(pattern))


def choose(wanted: Wanted, devices: Sequence[str], attempt: Callable[[], Trial]) -> Choice:
    """Decide what to run on.

    Args:
        wanted: The setting.
        devices: What `graphics_devices` found.
        attempt: Runs the trial; called only where there is something to be tried.

    Raises:
        ProviderUnavailable: the GPU is wanted and does not work.
    """
    if wanted == "cpu":
        return Choice("CPU", "the settings say so")
    if not devices:
        return _without("this machine shows no graphics card", wanted)
    trial = attempt()
    if trial.gpu_ms is None:
        return _without(f"the GPU does not work: {trial.problem}", wanted)
    times = f"{trial.gpu_ms:.1f} ms for a picture"
    if trial.cpu_ms is not None:
        times += f", {trial.cpu_ms:.1f} ms on the processor"
        if wanted == "auto" and trial.gpu_ms >= trial.cpu_ms:
            return Choice("CPU", f"the GPU is not faster: {times}")
    return Choice("GPU", times)


def trial_command(model: Path, name: str) -> list[str]:
    return [sys.executable, "-m", "rider_vision_mediapipe.gpu_trial", str(model), name]


def run_trial(command: Sequence[str], timeout_s: float = TRIAL_TIMEOUT_S) -> Trial:
    """Start `command` and read its answer, one line of JSON: {"gpu_ms": 1.5, "cpu_ms": 15} or {"problem": "why"}.

    Whatever it does, this returns soon after `timeout_s` at the latest, and nothing of it is left running.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
            )
        except OSError as error:
            return Trial(problem=f"the trial could not be started: {error}")
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return Trial(problem=f"the trial gave no answer within {timeout_s:g} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if code < 0:
            return Trial(problem=f"the trial was ended by {_signal_name(-code)}{_last_line(errors.fileno())}")
        if code != 0:
            return Trial(problem=f"the trial ended with {code}{_last_line(errors.fileno())}")
        return _answer(_tail(output.fileno()))


def _without(problem: str, wanted: Wanted) -> Choice:
    if wanted == "gpu":
        raise ProviderUnavailable(f"the settings want the GPU, and {problem}", remedy='set delegate to "auto" or "cpu"')
    return Choice("CPU", problem)


def _answer(output: str) -> Trial:
    try:
        answer = json.loads(output.strip().rpartition("\n")[2])
        if "problem" in answer:
            return Trial(problem=str(answer["problem"])[:_LONGEST_REASON])
        return Trial(gpu_ms=float(answer["gpu_ms"]), cpu_ms=float(answer["cpu_ms"]))
    except (ValueError, KeyError, TypeError):
        return Trial(problem=f"the trial's answer is not understood: {output[-80:]!r}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(descriptor: int) -> str:
    lines = [line for line in _tail(descriptor).splitlines() if line.strip()]
    return f": {lines[-1].strip()[:_LONGEST_REASON]}" if lines else ""


def _tail(descriptor: int) -> str:
    size_bytes = os.fstat(descriptor).st_size
    return os.pread(descriptor, _KEPT_BYTES, max(0, size_bytes - _KEPT_BYTES)).decode("utf-8", "replace")
