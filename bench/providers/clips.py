"""The clips that are recognised: a person's sentences out of a recording, and short commands that eSpeak NG speaks."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from stack import Stack

from rider_core.api import AudioClip, SynthesizeRequest, TextToSpeech
from rider_core.api.wav import wav_bytes
from rider_core.testing.words import words_of

RATE = 16_000
#: Where voice activity detection sees the sentences in beckett.wav, in seconds, and what is said.
RECORDED = (
    (0.35, 2.80, "ever tried ever failed"),
    (3.55, 4.21, "no matter"),
    (3.55, 5.58, "no matter try again"),
    (4.58, 5.58, "try again"),
    (6.68, 7.41, "fail again"),
    (6.68, 8.85, "fail again fail better"),
)
#: What is kept before and after each, in seconds. The first pair is what the link keeps.
PADDINGS = ((0.3, 0.5), (0.3, 0.3))
SPOKEN = {
    "en": (
        "Robot, turn left and stop at the door.",
        "What is the weather like today?",
        "Please come here and follow me.",
        "Go back to the kitchen.",
        "Turn on the light, please.",
        "How are you today?",
        "Come with me to the garden.",
        "Stop right there and wait.",
        "What time is it?",
        "Show me the way to the station.",
        "Where did you put my keys?",
        "Bring me the red ball from the table.",
        "Tell me a story about the sea.",
        "Do not go into the bathroom.",
        "Look at the dog and then come back.",
        "Call me when the tea is ready.",
    ),
    "pl": (
        "Jedź do przodu i zatrzymaj się przy drzwiach.",
        "Jaka jest dzisiaj pogoda?",
        "Powiedz mi, która jest godzina.",
        "Gdzie jest mój niebieski kubek?",
    ),
}


@dataclass(frozen=True)
class Clip:
    """A stretch of speech in 16-bit mono at 16 kHz, and what is said in it."""

    language: str
    words: list[str]
    wav: Path
    duration_s: float


def clips(stack: Stack, recording: Path, folder: Path) -> list[Clip]:
    """All of them as WAV files in `folder`, which is made."""
    folder.mkdir()
    found: list[Clip] = []
    with wave.open(str(recording)) as reader:
        speech = np.frombuffer(reader.readframes(reader.getnframes()), np.int16)
    for before, after in PADDINGS:
        for start, end, text in RECORDED:
            cut = speech[max(0, round((start - before) * RATE)) : round((end + after) * RATE)]
            found.append(_stored(folder, len(found), "en", text, cut))
    voice = stack.services.make_provider(TextToSpeech, "espeak")
    assert isinstance(voice, TextToSpeech)
    voice.open()
    for language, sentences in SPOKEN.items():
        for number, text in enumerate(sentences):
            request = SynthesizeRequest(text=text, voice=language, rate=150 + 10 * (number % 3))
            found.append(_stored(folder, len(found), language, text, _samples(voice.synthesize(request))))
    voice.close()
    return found


def _samples(clip: AudioClip) -> np.ndarray:
    spoken = np.frombuffer(clip.pcm, np.int16).astype(np.float32) / 32768
    sound = np.asarray(soxr.resample(spoken, clip.sample_rate, RATE), np.float32)
    quiet = np.zeros(round(0.3 * RATE), np.float32)
    return (np.concatenate([quiet, 0.5 * sound / np.abs(sound).max(), quiet]) * 32767).astype(np.int16)


def _stored(folder: Path, number: int, language: str, text: str, samples: np.ndarray) -> Clip:
    wav = folder / f"{number}.wav"
    wav.write_bytes(wav_bytes(samples.astype("<i2").tobytes(), RATE))
    return Clip(language, words_of(text), wav, len(samples) / RATE)
