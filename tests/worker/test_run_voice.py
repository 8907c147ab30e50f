"""`rider run` with audio: WAV files of every kind are read; synthesized audio is written, or reported as discarded."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from worker_harness import WorkerHarness

from rider_core.api import AudioClip

UNKNOWN = 0xFFFFFFFF
PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")


def wav(seconds: float, *, channels: int = 1, length: int | None = None, extensible: bool = False) -> bytes:
    """A WAV file of 8 kHz whose header claims `length` bytes of sound."""
    block = 2 * channels
    samples = bytes(round(8_000 * seconds) * block)
    form = struct.pack("<HHIIHH", 0xFFFE if extensible else 1, channels, 8_000, 8_000 * block, block, 16)
    if extensible:
        form += struct.pack("<HHI", 22, 16, 0) + PCM_GUID
    claimed = len(samples) if length is None else length
    head = b"RIFF" + struct.pack("<I", UNKNOWN) + b"WAVEfmt " + struct.pack("<I", len(form)) + form
    return head + b"data" + struct.pack("<I", claimed) + samples


#: As ffmpeg, sox, arecord and browsers write them.
FILES = {
    "extensible": (wav(1.5, extensible=True), 1.5),
    "extensible of 4 channels": (wav(1.0, extensible=True, channels=4), 1.0),
    "of no known length": (wav(2.0, length=UNKNOWN), 2.0),
    "extensible of no known length": (wav(2.5, extensible=True, length=UNKNOWN), 2.5),
    "of length 0": (wav(0.5, length=0), 0.5),
}


class Rider:
    """`rider run` with a worker that has the engines of rider-echo."""

    def __init__(self, harness: WorkerHarness) -> None:
        self._processes = harness.processes
        environment = harness.processes.environment
        disabled = environment["RIDER_PLUGINS_DISABLED"].split(",")
        environment["RIDER_PLUGINS_DISABLED"] = ",".join(name for name in disabled if name != "echo")
        self.folder = harness.processes.folder
        self._runs = 0
        harness.start_fast("voice")

    def __call__(self, task: str, source: str, *more: str) -> str:
        self._runs += 1
        engine = {"voice.transcribe": "echo-stt", "voice.synthesize": "echo-tts"}[task]
        log = f"run-{self._runs}"
        command = ("run", task, source, "--provider", engine, *more)
        status = self._processes.fork("rider_core.cli.main", *command, log=log).wait(60)
        assert status == 0, self._processes.log(log)
        return self._processes.log(log)


@pytest.fixture
def rider(harness: WorkerHarness) -> Rider:
    return Rider(harness)


def test_wav_files_of_every_pipe(rider: Rider) -> None:
    for name, (content, seconds) in FILES.items():
        file: Path = rider.folder / "recording.wav"
        file.write_bytes(content)
        assert f"This is a mock transcript of {seconds} seconds of sound." in rider("voice.transcribe", str(file)), name


def test_synthesized_audio_is_written_or_reported_as_discarded(rider: Rider) -> None:
    output = rider("voice.synthesize", "one two three four five")
    assert "1.7 s of audio were discarded; --output FILE.wav keeps them" in output
    file = rider.folder / "said.wav"
    assert "discarded" not in rider("voice.synthesize", "one two three four five", "--output", str(file))
    assert round(AudioClip.from_wav(file.read_bytes()).duration_s, 1) == 1.7
