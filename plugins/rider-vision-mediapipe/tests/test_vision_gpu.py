"""The choice between GPU and CPU. The preflight's failures are real programs that crash, hang and print nonsense."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from mediapipe_harness import detector, model, picture
from rider_vision_mediapipe import engine as engine_file
from rider_vision_mediapipe import provider as provider_file
from rider_vision_mediapipe.delegate import (
    Device,
    PreflightResult,
    choose_delegate,
    graphics_devices,
    preflight_command,
    run_preflight,
)
from rider_vision_mediapipe.engine import Box, MediapipeEngine, RawDetection
from rider_vision_mediapipe.gpu_preflight import disagreement, drawn_face, iou
from rider_vision_mediapipe.models import KINDS, ModelKind

from rider_core.api import Frame, HealthStatus
from rider_core.api.jpeg_header import JpegHeader
from rider_core.errors import ProviderError, ProviderUnavailable
from rider_core.testing.waiting import wait_until


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


class TestPreflight:
    @pytest.mark.parametrize(
        ("program", "problem"),
        [
            ("import os; os.abort()", "ended by SIGABRT"),
            ("import ctypes; ctypes.string_at(0)", "ended by SIGSEGV"),
            ("import sys; sys.stderr.write('F0000 gl_context: no luck\\n'); sys.exit(3)", "ended with 3: F0000 gl_"),
            ("print('hello')", "is invalid: 'hello"),
            ("", "is invalid"),
            ("print('[1]')", "is invalid"),
            ('print(\'{"gpu_ms": null, "cpu_ms": 1}\')', "is invalid"),
            ('print(\'{"problem": "no EGL"}\')', "no EGL"),
            ("import sys; sys.stdout.write('x' * 10_000_000)", "is invalid"),
        ],
    )
    def test_bad_ends(self, program: str, problem: str) -> None:
        result = run_preflight(python(program))
        assert result.gpu_ms is None
        assert problem in result.problem
        assert len(result.problem) < 500

    def test_hangs_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        file = tmp_path / "pid"
        program = (
            "import subprocess, sys, time\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
            f"open({str(file)!r}, 'w').write(str(child.pid)); time.sleep(100)"
        )
        started = time.monotonic()
        result = run_preflight(python(program), timeout_s=2)
        assert time.monotonic() - started < 10
        assert "no answer within 2 s" in result.problem
        wait_until(lambda: not is_running(int(file.read_text())), what="the end of the preflight's child")

    def test_no_such_program(self) -> None:
        assert "could not be started" in run_preflight(["/no/such/program"]).problem

    def test_good_end(self) -> None:
        answer = json.dumps({"gpu_ms": 2.5, "cpu_ms": 15})
        result = run_preflight(python(f"print('INFO: chatter'); print({answer!r})"))
        assert result == PreflightResult(gpu_ms=2.5, cpu_ms=15.0)

    def test_on_this_machine(self) -> None:
        """The real preflight on this machine: a time, or a reason why the GPU does not work."""
        result = run_preflight(preflight_command(model("ssd-oidv4"), "ssd-oidv4"))
        if result.gpu_ms is None:
            assert "GPU" in result.problem, result
            assert len(result.problem) < 300, "cut off: the end says why"
        else:
            assert 0 < result.gpu_ms < 10_000


class TestAgreement:
    """A GPU with wrong results must not be used."""

    @pytest.mark.parametrize(
        ("name", "label", "box"),
        [("ssd-oidv4", "Person", (217, 97, 423, 367)), ("face-short-range", "face", (220, 160, 422, 362))],
    )
    def test_each_model_finds_the_drawn_face(self, name: str, label: str, box: Box) -> None:
        engine = MediapipeEngine(model(name), KINDS[name])
        found = engine.detect(drawn_face())
        engine.close()
        assert found[0][0] == label
        assert found[0][1] > 0.25
        assert iou(found[0][2], box) > 0.9

    @pytest.mark.parametrize(
        ("gpu", "cpu"),
        [
            (
                [("Person", 0.31, (200, 100, 400, 360))],
                [("Person", 0.33, (201, 98, 402, 363)), ("Cat", 0.1, (0, 0, 9, 9))],
            ),
        ],
    )
    def test_rounding_is_no_disagreement(self, gpu: list[RawDetection], cpu: list[RawDetection]) -> None:
        assert disagreement(gpu, cpu) == ""

    @pytest.mark.parametrize(
        "gpu",
        [
            [],
            [("Cat", 0.31, (200, 100, 400, 360))],
            [("Person", 0.99, (200, 100, 400, 360))],
            [("Person", float("nan"), (200, 100, 400, 360))],
            [("Person", 0.31, (0, 0, 640, 480))],
            [("Person", 0.31, (200, 100, 200, 100))],
            [("Person", 0.31, (500, 400, 600, 470))],
        ],
    )
    def test_another_answer_is_one(self, gpu: list[RawDetection]) -> None:
        difference = disagreement(gpu, [("Person", 0.31, (200, 100, 400, 360))])
        assert difference.endswith("and the CPU Person 31% at 200, 100, 400, 360")
        assert difference.startswith("it detects nothing," if not gpu else f"it detects {gpu[0][0]}")

    def test_where_neither_sees_the_face_nothing_was_compared(self) -> None:
        assert disagreement([], []) == "it detects nothing, and the CPU nothing"

    def test_a_model_that_failed_can_be_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As on an H100 with the face model: closing raises the error of the failed detection again."""

        class Failed:
            def detect(self, image: object, processing: object) -> None:
                raise RuntimeError("CalculatorGraph::Run() failed: \nERROR: [a.cc:9]\n└ Failed to create a buffer.\n")

            def close(self) -> None:
                raise ValueError("CalculatorGraph::Run() failed")

        monkeypatch.setattr(engine_file, "_object_detector", lambda options, kind: Failed())
        engine = MediapipeEngine(model("ssd-oidv4"), KINDS["ssd-oidv4"])
        with pytest.raises(ProviderError, match=r"shape \(480, 640, 3\): Failed to create a buffer\.$"):
            engine.detect(drawn_face())
        engine.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestChoice:
    @pytest.mark.parametrize(
        ("wanted", "devices", "result", "device", "reason"),
        [
            ("cpu", ["card"], PreflightResult(1, 9), "CPU", "settings"),
            ("auto", [], PreflightResult(1, 9), "CPU", "no graphics card"),
            ("auto", ["card"], PreflightResult(problem="EGL"), "CPU", "does not work: EGL"),
            (
                "auto",
                ["card"],
                PreflightResult(9, 8),
                "CPU",
                "not faster: 9.0 ms for a picture, 8.0 ms on the CPU",
            ),
            ("auto", ["card"], PreflightResult(1.25, 9), "GPU", "1.2 ms for a picture, 9.0 ms on the CPU"),
            ("gpu", ["card"], PreflightResult(9, 8), "GPU", "9.0 ms"),
        ],
    )
    def test_choice(self, wanted: str, devices: list[str], result: PreflightResult, device: str, reason: str) -> None:
        choice = choose_delegate(wanted, devices, lambda: result)
        assert choice.device == device
        assert reason in choice.reason

    @pytest.mark.parametrize("devices", [[], ["card"]])
    def test_gpu_or_nothing(self, devices: list[str]) -> None:
        with pytest.raises(ProviderUnavailable, match="want the GPU, and") as refusal:
            choose_delegate("gpu", devices, lambda: PreflightResult(problem="EGL"))
        assert refusal.value.remedy

    def test_no_preflight_without_need(self) -> None:
        def never() -> PreflightResult:
            raise AssertionError("the preflight ran")

        choose_delegate("cpu", ["card"], never)
        choose_delegate("auto", [], never)

    def test_devices(self, tmp_path: Path) -> None:
        (tmp_path / "renderD128").touch()
        assert graphics_devices([f"{tmp_path}/renderD*", f"{tmp_path}/nvidia*"]) == [f"{tmp_path}/renderD128"]


class TestProvider:
    def test_details_say_what_it_runs_on_and_why(self, caplog: pytest.LogCaptureFixture) -> None:
        provider = detector(delegate="cpu")
        assert provider.details() == {"model": "ssd-oidv4"}
        with caplog.at_level("INFO"):
            provider.open()
        provider.close()
        assert provider.details() == {"model": "ssd-oidv4", "device": "CPU", "reason": "the settings say so"}
        assert "ssd-oidv4 runs on the CPU: the settings say so" in caplog.text

    def test_gpu_wanted_where_none_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(provider_file, "graphics_devices", list)
        provider = detector(delegate="gpu")
        assert provider.health().status is HealthStatus.UNAVAILABLE
        with pytest.raises(ProviderUnavailable, match="no graphics card"):
            provider.open()

    @pytest.mark.parametrize("delegate", ["auto", "gpu"])
    def test_gpu_that_fails_at_work(self, delegate: str, monkeypatch: pytest.MonkeyPatch) -> None:
        class LostGpu(MediapipeEngine):
            """A real model on the CPU that fails at its second picture where the GPU was chosen."""

            def __init__(self, path: Path, kind: ModelKind, device: Device = "CPU", **options: bool) -> None:
                super().__init__(path, kind, "CPU", **options)
                self.left = 1 if device == "GPU" else 1_000

            def detect_jpeg(self, jpeg: bytes, header: JpegHeader) -> list[RawDetection]:
                self.left -= 1
                if self.left < 0:
                    raise ProviderError("the GL context is lost")
                return super().detect_jpeg(jpeg, header)

        monkeypatch.setattr(engine_file, "MediapipeEngine", LostGpu)
        monkeypatch.setattr(provider_file, "graphics_devices", lambda: ["card"])
        monkeypatch.setattr(provider_file, "run_preflight", lambda command: PreflightResult(1, 9))
        provider, frame = detector(delegate=delegate), Frame(picture("chelsea.jpg"))
        provider.open()
        try:
            first = provider.detect(frame)
            assert provider.details()["device"] == "GPU"
            if delegate == "gpu":
                with pytest.raises(ProviderError, match="GL context is lost"):
                    provider.detect(frame)
                return
            assert provider.detect(frame) == provider.detect(frame) == first
            assert provider.details()["device"] == "CPU"
            assert provider.details()["reason"] == "the GPU failed at work: the GL context is lost"
        finally:
            provider.close()

    @pytest.mark.skipif(bool(graphics_devices()), reason="this machine has a graphics card, so its GPU may well work")
    def test_gpu_that_fails_after_its_preflight(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(provider_file, "graphics_devices", lambda: ["card"])
        monkeypatch.setattr(provider_file, "run_preflight", lambda command: PreflightResult(1, 9))
        provider = detector()
        provider.open()
        try:
            assert provider.details()["device"] == "CPU"
            assert "passed its preflight, then failed" in provider.details()["reason"]
            assert provider.detect(Frame(picture("chelsea.jpg"))).objects[0].label == "Cat"
        finally:
            provider.close()
        with pytest.raises(ProviderUnavailable, match="on the GPU"):
            detector(delegate="gpu").open()
