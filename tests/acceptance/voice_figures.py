"""The measurements of voice and their limits: words, delays, silence, speech."""

from __future__ import annotations

import base64
import binascii
import io
import subprocess
import sys
import time
import wave
from array import array
from dataclasses import dataclass, field
from typing import Any

from sentence_ends import CannotMeasure, loud_runs, sentences_of, utterances
from stand_in_robot import RATE, TTS_CHUNK, TTS_REQUEST, Message, Robot

from rider_core.testing.words import aligned, word_error_rate, words_of

SILENCE_AROUND_S = 2.0
#: How long the microphone goes on after the sound, for answers that are late. Longer than any limit.
AFTERWARDS_S = 8.0

#: The limits of the acceptance.
MAX_WER = 0.15
MAX_LATENCY_S = 2.5
MAX_SILENCE_TEXTS = 0
MAX_FIRST_CHUNK_MS = 150.0
MAX_LENGTH_ERROR = 0.10

POLISH = (
    "Dzień dobry, jestem małym robotem na dwóch kołach i chętnie opowiem o swoim dniu. Rano jeździłem po kuchni, "
    "omijałem krzesła i szukałem kota, który schował się pod stołem. Potem słuchałem muzyki, patrzyłem przez okno na "
    "ogród i liczyłem ptaki siedzące na płocie. Teraz wracam do stacji, aby naładować baterię, a wieczorem znowu "
    "porozmawiamy o pogodzie, ciekawych książkach i dalekich podróżach."
)


@dataclass
class Figures:
    """What was measured; None: that part did not run."""

    wer: float | None = None
    results: list[str] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)
    latency_max_s: float | None = None
    silence_texts: int | None = None
    tts_first_chunk_ms: float | None = None
    tts_length_ratio: float | None = None
    broken: list[str] = field(default_factory=list)

    def check(self, name: str, value: str, limit: str, kept: bool) -> None:
        print(f"{name:<34} {value:>16}   limit {limit:<10} {'ok' if kept else 'BROKEN'}")
        if not kept:
            self.broken.append(name)


def measure_words(robot: Robot, figures: Figures, pcm: bytes, text: str, ends: list[float]) -> None:
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    sentences = sentences_of(text)
    if not ends:
        ends = [run.end for run in utterances(samples, len(sentences))]
    if len(ends) != len(sentences):
        raise CannotMeasure(f"--ends has {len(ends)} times, the text has {len(sentences)} sentences")
    print("sentences end at " + ", ".join(f"{end:.2f}" for end in ends) + " s of the sound")
    around = bytes(int(SILENCE_AROUND_S * RATE) * 2)
    before = len(robot.texts())
    begin = robot.stream(around + pcm + around) + SILENCE_AROUND_S
    robot.stream(bytes(int(AFTERWARDS_S * RATE) * 2))
    texts = robot.texts()[before:]

    spoken = [words_of(str(message.body["text"])) for message in texts]
    reference = [word for sentence in sentences for word in sentence]
    sentence_of_word = [number for number, sentence in enumerate(sentences) for _ in sentence]
    heard = [word for words in spoken for word in words]
    places = aligned(reference, heard)
    figures.wer = word_error_rate(reference, heard)
    print(f"\n{'arrived':>8} {'delay':>7}  text")
    position = 0
    for message, words in zip(texts, spoken, strict=True):
        position += len(words)
        arrived = message.at - begin
        if words:
            end = ends[sentence_of_word[places[position - 1]]]
        else:
            end = max((end for end in ends if end <= arrived), default=0.0)
        if end > arrived:
            # A part of a sentence that came before the sentence's end: measured from the last pause before it came.
            end = max((run.end for run in loud_runs(samples, 0.1) if run.end <= arrived), default=0.0)
        figures.latency_s.append(round(arrived - end, 3))
        figures.results.append(str(message.body["text"]))
        print(f"{arrived:>7.2f}s {arrived - end:>6.2f}s  {message.body['text']!r} [{message.body.get('language')}]")
    print()
    figures.latency_max_s = max(figures.latency_s, default=None)
    figures.check("word error rate", f"{figures.wer:.3f}", f"{MAX_WER}", figures.wer <= MAX_WER)
    slowest = figures.latency_max_s
    shown = "no result" if slowest is None else f"{slowest:.2f} s"
    figures.check("slowest result", shown, f"{MAX_LATENCY_S} s", slowest is not None and slowest <= MAX_LATENCY_S)


def measure_silence(robot: Robot, figures: Figures, name: str, pcm: bytes) -> None:
    before = len(robot.texts())
    robot.stream(pcm)
    # What the last second may still bring.
    robot.stream(bytes(int(3 * RATE) * 2))
    invented = [str(message.body["text"]) for message in robot.texts()[before:]]
    figures.silence_texts = (figures.silence_texts or 0) + len(invented)
    seconds = len(pcm) / RATE / 2
    shown = str(len(invented))
    figures.check(
        f"texts in {seconds:.0f} s of {name}", shown, str(MAX_SILENCE_TEXTS), len(invented) <= MAX_SILENCE_TEXTS
    )
    for text in invented:
        print(f"    {text!r}")


def measure_speech(robot: Robot, figures: Figures, voice: str) -> None:
    if not robot.has_subscriber(TTS_REQUEST):
        raise CannotMeasure(f"nobody subscribes to {TTS_REQUEST}")
    before = len(robot.received)
    sent = robot.send(TTS_REQUEST, {"text": POLISH, "voice": voice})

    def chunks() -> list[Message]:
        return [message for message in robot.received[before:] if message.topic == TTS_CHUNK]

    def over() -> bool:
        """There is no end mark: longer than any piece plays, none has come."""
        found = chunks()
        return bool(found) and time.monotonic() - found[-1].at > 4.0

    # The microphone goes on meanwhile, as on the robot.
    robot.stream(bytes(60 * RATE * 2), until=over)
    found = chunks()
    first_ms = (found[0].at - sent) * 1000 if found else None
    figures.tts_first_chunk_ms = None if first_ms is None else round(first_ms, 1)
    shown = "no chunk" if first_ms is None else f"{first_ms:.0f} ms"
    kept = first_ms is not None and first_ms <= MAX_FIRST_CHUNK_MS
    figures.check("first chunk of speech", shown, f"{MAX_FIRST_CHUNK_MS:.0f} ms", kept)
    lengths, problems = [], []
    for message in found:
        try:
            lengths.append(wav_length_s(message.body))
        except ValueError as problem:
            problems.append(str(problem))
    figures.check("chunks that are no WAV file", f"{len(problems)} of {len(found)}", "0", not problems and bool(found))
    for problem in problems[:5]:
        print(f"    {problem}")
    wanted_s = espeak_length_s(POLISH, voice)
    ratio = sum(lengths) / wanted_s
    figures.tts_length_ratio = round(ratio, 4)
    shown = f"{sum(lengths):.2f}/{wanted_s:.2f} s"
    kept = abs(ratio - 1) <= MAX_LENGTH_ERROR
    figures.check("length, ours/espeak-ng", shown, f"{MAX_LENGTH_ERROR:.0%}", kept)


def wav_length_s(body: dict[str, Any]) -> float:
    """The length of a chunk that is a WAV file by itself; ValueError where the robot could not play it."""
    encoded = body.get("audio") or body.get("data") or body.get("chunk")
    if not isinstance(encoded, str):
        raise ValueError(f"no audio under audio, data or chunk: {sorted(body)}")
    if body.get("format", "wav") != "wav":
        raise ValueError(f"its format is {body['format']!r}")
    try:
        with wave.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as reader:
            frames, rate, width = reader.getnframes(), reader.getframerate(), reader.getsampwidth()
            data = reader.readframes(frames)
            if width != 2 or reader.getnchannels() != 1 or not frames or len(data) != frames * width:
                raise ValueError(f"{frames} frames promised, {len(data)} bytes there, {width * 8} bit")
    except (binascii.Error, wave.Error, EOFError) as error:
        raise ValueError(f"not a WAV file: {error}") from None
    return frames / rate


def espeak_length_s(text: str, voice: str) -> float:
    """What the espeak-ng program makes of the text. Its streamed header has no length, so bytes are counted."""
    command = ["espeak-ng", "-v", voice, "--stdout", text]
    try:
        wav = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotMeasure(f"the program espeak-ng is needed to compare with (Debian: espeak-ng): {error}") from None
    at = wav.index(b"data") + 8
    return (len(wav) - at) / 2 / int.from_bytes(wav[24:28], "little")
