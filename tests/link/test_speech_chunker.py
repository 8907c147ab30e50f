"""Speech is cut where it is quiet, without a click and without a loss, into chunks that the robot plays whole."""

from __future__ import annotations

import numpy as np
import pytest

from rider_core.api import AudioClip
from rider_core.errors import InvalidInput
from rider_core.link.speech_chunker import FADE_S, LONGEST_S, SHORTEST_S, SpeechChunker

RATE = 22_050


def tone(seconds: float, rate: int = RATE, level: int = 8_000) -> AudioClip:
    time = np.arange(round(seconds * rate)) / rate
    return AudioClip((level * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes(), rate)


def speech(words: list[float], pause_s: float = 0.08) -> AudioClip:
    """Words of the given lengths in seconds, with pauses between them."""
    gap = bytes(round(pause_s * RATE) * 2)
    return AudioClip(gap.join(tone(word).pcm for word in words), RATE)


def samples(clip: AudioClip) -> np.ndarray:
    return np.frombuffer(clip.pcm, "<i2").astype(np.int64)


def chunks_of(clip: AudioClip, clip_s: float, chunk_s: float) -> list[AudioClip]:
    """The chunks of a text that an engine sends in clips of `clip_s` seconds."""
    chunker, chunks = SpeechChunker(chunk_s), []
    step = round(clip_s * RATE) * 2
    for start in range(0, len(clip.pcm), step):
        chunker.feed(AudioClip(clip.pcm[start : start + step], RATE))
        while (chunk := chunker.next()) is not None:
            chunks.append(chunk)
    while (chunk := chunker.next(final=True)) is not None:
        chunks.append(chunk)
    return chunks


@pytest.mark.parametrize("clip_s", [0.01, 0.24, 30.0])
@pytest.mark.parametrize("chunk_s", [0.5, 1.5, 2.8])
def test_words_stay_whole_and_nothing_is_lost(clip_s: float, chunk_s: float) -> None:
    text = speech([share * chunk_s for share in (0.2, 0.13, 0.25, 0.1, 0.2)] * 8)
    chunks = chunks_of(text, clip_s, chunk_s)
    joined = np.concatenate([samples(chunk) for chunk in chunks])
    assert np.array_equal(joined, samples(text)), "cut in the pauses, where a fade changes nothing"
    assert max(chunk.duration_s for chunk in chunks) <= min(LONGEST_S, 1.4 * chunk_s)
    assert min(chunk.duration_s for chunk in chunks[:-1]) >= 0.6 * chunk_s


def test_a_cut_within_a_sound_does_not_click() -> None:
    loud = AudioClip(np.full(5 * RATE, 8_000, "<i2").tobytes(), RATE)
    chunks = chunks_of(loud, 0.24, 1.0)
    assert sum(chunk.frames for chunk in chunks) == loud.frames
    # The first sample and the last one are the engine's.
    inner = [*samples(chunks[0])[1:], 0, *(value for it in chunks[1:-1] for value in (0, *samples(it), 0)), 0]
    assert np.abs(np.diff(inner)).max() <= 1.1 * 8_000 / (FADE_S * RATE)


def test_an_urgent_chunk_is_returned_at_once_but_is_not_too_short() -> None:
    chunker = SpeechChunker(1.5)
    chunker.feed(tone(SHORTEST_S - 0.1))
    assert chunker.next(urgent=True) is None
    chunker.feed(tone(0.2))
    assert chunker.next() is None
    chunk = chunker.next(urgent=True)
    assert chunk is not None
    assert 0.6 * SHORTEST_S < chunk.duration_s <= SHORTEST_S + 0.1


def test_the_end_of_a_text_is_not_a_crumb_either() -> None:
    chunks = chunks_of(tone(1.6), 0.24, 1.5)
    assert len(chunks) in (1, 2)
    assert min(chunk.duration_s for chunk in chunks) > 0.3


def test_silence_alone_is_cut_too() -> None:
    quiet = AudioClip(bytes(RATE * 2 * 4), RATE)
    assert sum(chunk.frames for chunk in chunks_of(quiet, 0.24, 1.0)) == quiet.frames


@pytest.mark.parametrize("other", [AudioClip(bytes(400), 16_000), AudioClip(bytes(400), RATE, 2)])
def test_a_clip_of_another_format_is_refused(other: AudioClip) -> None:
    chunker = SpeechChunker(1.5)
    chunker.feed(tone(0.1))
    with pytest.raises(InvalidInput, match="one channel at 22050 Hz"):
        chunker.feed(other)
