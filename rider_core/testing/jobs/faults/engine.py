"""Engines of three queues that record their calls in a file, and misbehave as the job says.

A job's payload is a command: its id, a deed, and the deed's arguments.

    ID                 is answered at once
    ID slow SECONDS    takes that long
    ID hold            takes until the test opens the gate
    ID kill [once]     SIGKILLs its worker; with "once" only the first time
    ID exit, segfault  end the process in other ways
    ID loop            never ends
    ID raise [once]    raises

The file is the journal: a line with the id, "start" or "end", and the process id, for each start and end.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from rider_core.api import (
    AudioClip,
    Detections,
    Frame,
    GenerateRequest,
    ObjectDetector,
    Provider,
    SynthesizeRequest,
    TextGenerator,
    TextToSpeech,
    hookimpl,
)
from rider_core.testing.samples import tone_clip
from rider_core.testing.waiting import let_pass, wait_until

RIDER_API = "1.0"
#: Environment variable with the journal's path; the gate is a file beside it.
JOURNAL = "RIDER_TEST_JOURNAL"
GATE_SUFFIX = ".gate"
#: Maximum time that a job holds, in seconds. It is longer than any test waits.
HOLD_LIMIT_S = 120.0


def act(words: str) -> str:
    """Do a job's deed, and record its start and end. Returns the id."""
    job_id, deed, *needs = [*words.split(), "answer"]
    again = _started_before(job_id)
    _note(job_id, "start")
    if not (again and "once" in needs):
        _do(deed, needs)
    _note(job_id, "end")
    return job_id


def _do(deed: str, needs: list[str]) -> None:
    if deed == "slow":
        let_pass(float(needs[0]), "an engine works")
    elif deed == "hold":
        gate = Path(os.environ[JOURNAL] + GATE_SUFFIX)
        wait_until(gate.exists, HOLD_LIMIT_S, "the opening of the gate")
    elif deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "exit":
        os._exit(3)
    elif deed == "segfault":
        ctypes.string_at(0)
    elif deed == "loop":
        while True:
            sum(range(1000))
    elif deed == "raise":
        raise RuntimeError("the engine broke")


def _note(job_id: str, what: str) -> None:
    # One write to a file that is only appended to: lines of several processes do not mix, and none is lost in a buffer.
    with Path(os.environ[JOURNAL]).open("ab", buffering=0) as journal:
        journal.write(f"{job_id} {what} {os.getpid()}\n".encode())


def _started_before(job_id: str) -> bool:
    journal = Path(os.environ[JOURNAL])
    return journal.exists() and f"{job_id} start " in journal.read_text()


class FaultyTextGenerator(TextGenerator):
    name = "faulty-text"

    def generate_stream(self, request: GenerateRequest) -> Generator[str, None, None]:
        yield act(request.prompt)


class FaultyTextToSpeech(TextToSpeech):
    name = "faulty-speech"

    def synthesize_stream(self, request: SynthesizeRequest) -> Generator[AudioClip, None, None]:
        act(request.text)
        yield tone_clip(0.01)


class FaultyObjectDetector(ObjectDetector):
    name = "faulty-vision"

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        for frame in frames:
            act(frame.jpeg.decode())
        return [Detections(objects=(), width=1, height=1) for _ in frames]


@hookimpl
def register_providers(register: Callable[[type[Provider]], None]) -> None:
    for engine in (FaultyTextGenerator, FaultyTextToSpeech, FaultyObjectDetector):
        register(engine)
