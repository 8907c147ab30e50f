"""Chooses between GPU and CPU by the machine's devices and a preflight.

MediaPipe's GPU code may crash the process, or hang in a driver. So the preflight runs in a child process with a time
limit.
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

DelegateSetting = Literal["auto", "cpu", "gpu"]
Device = Literal["CPU", "GPU"]

#: Device files of GPUs: DRM drivers, NVIDIA, ARM, Qualcomm, WSL.
DEVICE_FILES = ("/dev/dri/renderD*", "/dev/nvidia[0-9]*", "/dev/mali[0-9]*", "/dev/kgsl-3d0", "/dev/dxg")
#: Loading takes a second, and some more where a driver compiles its shaders for the first time.
PREFLIGHT_TIMEOUT_S = 30.0
#: The end of the child's output, in bytes, that is read.
_KEPT_BYTES = 4_096
_LONGEST_REASON = 300


@dataclass(frozen=True)
class DelegateChoice:
    device: Device
    reason: str


@dataclass(frozen=True)
class PreflightResult:
    """
    Attributes:
        gpu_ms: Time of one detection on the GPU. None: it does not work.
        cpu_ms: Time of one detection on the CPU.
        problem: Why it does not work.
    """

    gpu_ms: float | None = None
    cpu_ms: float | None = None
    problem: str = ""


def graphics_devices(patterns: Sequence[str] = DEVICE_FILES) -> list[str]:
    return sorted(path for pattern in patterns for path in glob(pattern))


def choose_delegate(
    wanted: DelegateSetting, devices: Sequence[str], preflight: Callable[[], PreflightResult]
) -> DelegateChoice:
    """Choose between GPU and CPU.

    Args:
        wanted: The setting.
        devices: What `graphics_devices` found.
        preflight: Runs the preflight; called only where there is a GPU to test.

    Raises:
        ProviderUnavailable: the GPU is wanted and does not work.
    """
    if wanted == "cpu":
        return DelegateChoice("CPU", "the settings say so")
    if not devices:
        return _fall_back("this machine has no graphics card", wanted)
    result = preflight()
    if result.gpu_ms is None:
        return _fall_back(f"the GPU does not work: {result.problem}", wanted)
    times = f"{result.gpu_ms:.1f} ms for a picture"
    if result.cpu_ms is not None:
        times += f", {result.cpu_ms:.1f} ms on the CPU"
        if wanted == "auto" and result.gpu_ms >= result.cpu_ms:
            return DelegateChoice("CPU", f"the GPU is not faster: {times}")
    return DelegateChoice("GPU", times)


def preflight_command(model: Path, name: str) -> list[str]:
    return [sys.executable, "-m", "rider_vision_mediapipe.gpu_preflight", str(model), name]


def run_preflight(command: Sequence[str], timeout_s: float = PREFLIGHT_TIMEOUT_S) -> PreflightResult:
    """Start `command` and read its answer, one line of JSON: {"gpu_ms": 1.5, "cpu_ms": 15} or {"problem": "why"}.

    Returns soon after `timeout_s` at the latest, and kills the child with all its processes.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
            )
        except OSError as error:
            return PreflightResult(problem=f"the preflight could not be started: {error}")
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return PreflightResult(problem=f"the preflight gave no answer within {timeout_s:g} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if code < 0:
            return PreflightResult(
                problem=f"the preflight was ended by {_signal_name(-code)}{_last_line(errors.fileno())}"
            )
        if code != 0:
            return PreflightResult(problem=f"the preflight ended with {code}{_last_line(errors.fileno())}")
        return _answer(_tail(output.fileno()))


def _fall_back(problem: str, wanted: DelegateSetting) -> DelegateChoice:
    if wanted == "gpu":
        raise ProviderUnavailable(f"the settings want the GPU, and {problem}", remedy='set delegate to "auto" or "cpu"')
    return DelegateChoice("CPU", problem)


def _answer(output: str) -> PreflightResult:
    try:
        answer = json.loads(output.strip().rpartition("\n")[2])
        if "problem" in answer:
            return PreflightResult(problem=str(answer["problem"])[:_LONGEST_REASON])
        return PreflightResult(gpu_ms=float(answer["gpu_ms"]), cpu_ms=float(answer["cpu_ms"]))
    except (ValueError, KeyError, TypeError):
        return PreflightResult(problem=f"the preflight's output is invalid: {output[-80:]!r}")


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
