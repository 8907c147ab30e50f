"""The choice between GPU and processor. The trial's ends are real: programs that crash, hang and talk nonsense."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from rider_vision_mediapipe import engine as engine_file
from rider_vision_mediapipe import provider as provider_file
from rider_vision_mediapipe.delegate import Trial, choose, graphics_devices, run_trial, trial_command
from rider_vision_mediapipe.engine import Box, Device, Found, MediapipeEngine
from rider_vision_mediapipe.gpu_trial import disagreement, drawn_face, overlap
from rider_vision_mediapipe.models import KINDS, ModelKind
from vision_in_tests import detector, model, picture

from rider_core.api import Frame, HealthStatus
from rider_core.api.jpeg_header import JpegHeader
from rider_core.errors import ProviderError, ProviderUnavailable
from rider_core.testing.waiting import wait_until


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


class TestTrial:
    @pytest.mark.parametrize(
        ("program", "problem"),
        [
            ("import os; os.abort()", "ended by SIGABRT"),
            ("import ctypes; ctypes.string_at(0)", "ended by SIGSEGV"),
            ("import sys; sys.stderr.write('F0000 gl_context: no luck\\n'); sys.exit(3)", "ended with 3: F0000 gl_"),
            ("print('hello')", "not understood: 'hello"),
            ("", "not understood"),
            ("print('[1]')", "not understood"),
            ('print(\'{"gpu_ms": null, "cpu_ms": 1}\')', "not understood"),
            ('print(\'{"problem": "no EGL"}\')', "no EGL"),
            ("import sys; sys.stdout.write('x' * 10_000_000)", "not understood"),
        ],
    )
    def test_bad_ends(self, program: str, problem: str) -> None:
        trial = run_trial(python(program))
        assert trial.gpu_ms is None
        assert problem in trial.problem
        assert len(trial.problem) < 500

    def test_hangs_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        file = tmp_path / "pid"
        program = (
            "import subprocess, sys, time\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
            f"open({str(file)!r}, 'w').write(str(child.pid)); time.sleep(100)"
        )
        started = time.monotonic()
        trial = run_trial(python(program), timeout_s=2)
        assert time.monotonic() - started < 10
        assert "no answer within 2 s" in trial.problem
        wait_until(lambda: not is_running(int(file.read_text())), what="the end of the trial's child")

    def test_no_such_program(self) -> None:
        assert "could not be started" in run_trial(["/no/such/program"]).problem

    def test_good_end(self) -> None:
        answer = json.dumps({"gpu_ms": 2.5, "cpu_ms": 15})
        trial = run_trial(python(f"print('INFO: chatter'); print({answer!r})"))
        assert trial == Trial(gpu_ms=2.5, cpu_ms=15.0)

    def test_on_this_machine(self) -> None:
        """The real trial, whatever this machine has: an answer, with a time or a reason."""
        trial = run_trial(trial_command(model("ssd-oidv4"), "ssd-oidv4"))
        if trial.gpu_ms is None:
            assert "GPU" in trial.problem, trial
            assert len(trial.problem) < 300, "cut off: the end says why"
        else:
            assert 0 < trial.gpu_ms < 10_000


class TestAgreement:
    """A GPU that calculates, and wrongly, is worse than none."""

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
        assert overlap(found[0][2], box) > 0.9

    @pytest.mark.parametrize(
        ("gpu", "cpu"),
        [
            (
                [("Person", 0.31, (200, 100, 400, 360))],
                [("Person", 0.33, (201, 98, 402, 363)), ("Cat", 0.1, (0, 0, 9, 9))],
            ),
        ],
    )
    def test_rounding_is_no_disagreement(self, gpu: list[Found], cpu: list[Found]) -> None:
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
    def test_another_answer_is_one(self, gpu: list[Found]) -> None:
        difference = disagreement(gpu, [("Person", 0.31, (200, 100, 400, 360))])
        assert difference.endswith("and the processor Person 31% at 200, 100, 400, 360")
        assert difference.startswith("it sees nothing," if not gpu else f"it sees {gpu[0][0]}")

    def test_where_neither_sees_the_face_nothing_was_compared(self) -> None:
        assert disagreement([], []) == "it sees nothing, and the processor nothing"

    def test_a_model_that_failed_can_be_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As an H100 does with the face model: what the detection failed of is raised again at the end."""

        class Failed:
            def detect(self, image: object, processing: object) -> None:
                raise RuntimeError("CalculatorGraph::Run() failed: \nERROR: [a.cc:9]\n└ Failed to create a buffer.\n")

            def close(self) -> None:
                raise ValueError("CalculatorGraph::Run() failed")

        monkeypatch.setattr(engine_file, "_object_detector", lambda options, kind: Failed())
        engine = MediapipeEngine(model("ssd-oidv4"), KINDS["ssd-oidv4"])
        with pytest.raises(ProviderError, match=r"numbers: Failed to create a buffer\.$"):
            engine.detect(drawn_face())
        engine.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestChoice:
    @pytest.mark.parametrize(
        ("wanted", "devices", "trial", "device", "reason"),
        [
            ("cpu", ["card"], Trial(1, 9), "CPU", "settings"),
            ("auto", [], Trial(1, 9), "CPU", "no graphics card"),
            ("auto", ["card"], Trial(problem="EGL"), "CPU", "does not work: EGL"),
            ("auto", ["card"], Trial(9, 8), "CPU", "not faster: 9.0 ms for a picture, 8.0 ms on the processor"),
            ("auto", ["card"], Trial(1.25, 9), "GPU", "1.2 ms for a picture, 9.0 ms on the processor"),
            ("gpu", ["card"], Trial(9, 8), "GPU", "9.0 ms"),
        ],
    )
    def test_choice(self, wanted: str, devices: list[str], trial: Trial, device: str, reason: str) -> None:
        choice = choose(wanted, devices, lambda: trial)
        assert choice.device == device
        assert reason in choice.reason

    @pytest.mark.parametrize("devices", [[], ["card"]])
    def test_gpu_or_nothing(self, devices: list[str]) -> None:
        with pytest.raises(ProviderUnavailable, match="want the GPU, and") as refusal:
            choose("gpu", devices, lambda: Trial(problem="EGL"))
        assert refusal.value.remedy

    def test_nothing_is_tried_without_need(self) -> None:
        def never() -> Trial:
            raise AssertionError("tried")

        choose("cpu", ["card"], never)
        choose("auto", [], never)

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
            """A real model on the processor, but where it should be on the GPU it fails at its second picture."""

            def __init__(self, path: Path, kind: ModelKind, device: Device = "CPU", **options: bool) -> None:
                super().__init__(path, kind, "CPU", **options)
                self.left = 1 if device == "GPU" else 1_000

            def look(self, jpeg: bytes, header: JpegHeader) -> list[Found]:
                self.left -= 1
                if self.left < 0:
                    raise ProviderError("the GL context is lost")
                return super().look(jpeg, header)

        monkeypatch.setattr(engine_file, "MediapipeEngine", LostGpu)
        monkeypatch.setattr(provider_file, "graphics_devices", lambda: ["card"])
        monkeypatch.setattr(provider_file, "run_trial", lambda command: Trial(1, 9))
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
    def test_gpu_that_fails_after_its_trial(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(provider_file, "graphics_devices", lambda: ["card"])
        monkeypatch.setattr(provider_file, "run_trial", lambda command: Trial(1, 9))
        provider = detector()
        provider.open()
        try:
            assert provider.details()["device"] == "CPU"
            assert "passed its trial, and then" in provider.details()["reason"]
            assert provider.detect(Frame(picture("chelsea.jpg"))).objects[0].label == "Cat"
        finally:
            provider.close()
        with pytest.raises(ProviderUnavailable, match="on the GPU"):
            detector(delegate="gpu").open()
