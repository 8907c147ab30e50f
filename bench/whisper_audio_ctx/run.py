"""How short may Whisper's audio context be? Measures errors and time over ways of fitting it to a clip's length.

    RIDER_MODEL_PATH=FOLDER python bench/whisper_audio_ctx/run.py beckett.wav

The clips are single sentences (and the first two together) cut out of that recording, with little and with more of the
pause around them, and sentences that the `espeak-ng` program makes where it is installed. Prints a table; its last line
is the same in JSON. Needs pywhispercpp, numpy and soxr (`pip install plugins/rider-voice-whisper`).
"""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from rider_voice_whisper.audio import pad_to_minimum
from rider_voice_whisper.engine import FRAMES_PER_S, MODEL_RATE, WhisperEngine, WhisperOptions
from rider_voice_whisper.language import choose_language

sys.path.append(str(Path(__file__).resolve().parents[1]))

from rider_core.testing.words import word_errors, words_of

#: Where voice activity detection sees the sentences in beckett.wav, in seconds, and what is said.
SENTENCES = (
    (0.35, 1.23, "ever tried"),
    (1.88, 2.80, "ever failed"),
    (0.35, 2.80, "ever tried ever failed"),
    (3.55, 4.21, "no matter"),
    (4.58, 5.58, "try again"),
    (6.68, 7.41, "fail again"),
    (8.16, 8.85, "fail better"),
)
#: What is kept before and after each, in seconds. The first pair is what the link keeps.
PADDINGS = ((0.3, 0.5), (0.2, 0.4), (0.3, 0.3))
SPOKEN = (
    ("en", "Robot, turn left and stop at the door."),
    ("en", "What is the weather like today?"),
    ("en", "Please come here and follow me."),
    ("en", "Tell me a story about a small robot that wanted to see the ocean, but did not know the way."),
    ("pl", "Jedź do przodu i zatrzymaj się przy drzwiach."),
    ("pl", "Jaka jest dzisiaj pogoda?"),
    ("pl", "Powiedz mi, która jest godzina."),
)
EXPECTED = ("en", "pl")
#: Least context and margin beyond the clip, in encoder frames of 20 ms; None: always the full 1500.
FITS: tuple[tuple[int, int] | None, ...] = (None, (256, 64), (384, 64), (384, 128), (512, 128), (768, 128))


@dataclass(frozen=True)
class Case:
    group: str
    language: str
    words: list[str]
    samples: np.ndarray


def read_wav(data: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as reader:
        pcm = np.frombuffer(reader.readframes(reader.getnframes()), np.int16).astype(np.float32) / 32768
        return np.asarray(soxr.resample(pcm, reader.getframerate(), MODEL_RATE), np.float32)


def cases(recording: Path) -> list[Case]:
    speech = read_wav(recording.read_bytes())
    found = []
    for before, after in PADDINGS:
        for start, end, text in SENTENCES:
            cut = speech[max(0, int((start - before) * MODEL_RATE)) : int((end + after) * MODEL_RATE)]
            found.append(Case("recorded en", "en", words_of(text), cut))
    program = shutil.which("espeak-ng")
    if program is None:
        print("espeak-ng is not installed: its sentences are left out", file=sys.stderr)
        return found
    for language, text in SPOKEN:
        command = [program, "-v", language, "--stdout", text]
        data = subprocess.run(command, check=True, capture_output=True).stdout
        found.append(Case(f"espeak {language}", language, words_of(text), _stdout_wav(data)))
    return found


def _stdout_wav(data: bytes) -> np.ndarray:
    """espeak-ng cannot know the length when it writes to a pipe: its WAV header of 44 bytes promises 2 GB."""
    return np.asarray(
        soxr.resample(np.frombuffer(data[44:], np.int16).astype(np.float32) / 32768, 22_050, MODEL_RATE), np.float32
    )


def fitted(fit: tuple[int, int] | None) -> Callable[[float], int]:
    if fit is None:
        return lambda duration_s: 0
    return lambda duration_s: min(1500, max(fit[0], math.ceil(duration_s * FRAMES_PER_S) + fit[1]))


def main() -> None:
    model = Path(os.environ.get("RIDER_MODEL_PATH", ".")) / "ggml-base-q8_0.bin"
    engine = WhisperEngine(model, WhisperOptions(threads=os.cpu_count() or 1))
    clips = cases(Path(sys.argv[1]))
    groups = list(dict.fromkeys(case.group for case in clips))
    print(f"{'context':>10} {'language':>9} " + "".join(f"{group:>14}" for group in groups) + "   mean s    max s")
    rows = []
    for fit in FITS:
        for detect in (False, True):
            errors, spoken, seconds = dict.fromkeys(groups, 0), dict.fromkeys(groups, 0), []
            for case in clips:
                started = time.monotonic()
                samples = pad_to_minimum(case.samples)
                language = case.language
                if detect:
                    language = choose_language(engine.language_probabilities(samples), EXPECTED).language
                segments = engine.transcribe(samples, language, context_of=fitted(fit))
                seconds.append(time.monotonic() - started)
                text = " ".join(segment.text for segment in segments)
                errors[case.group] += word_errors(case.words, words_of(text))
                spoken[case.group] += len(case.words)
            rates = {group: round(errors[group] / spoken[group], 3) for group in groups}
            name = "full" if fit is None else f"{fit[0]}+{fit[1]}"
            rows.append(
                {"context": name, "detect": detect, "wer": rates, "mean_s": np.mean(seconds), "max_s": max(seconds)}
            )
            print(
                f"{name:>10} {'detected' if detect else 'given':>9} "
                + "".join(f"{rates[group]:>14.3f}" for group in groups)
                + f" {np.mean(seconds):>8.2f} {max(seconds):>8.2f}",
                flush=True,
            )
    engine.close()
    print(json.dumps(rows, default=lambda value: round(float(value), 3)))


if __name__ == "__main__":
    main()
