"""Utterances are found in speech, and not in silence or noise."""

from __future__ import annotations

import random
import struct

import pytest
from link_harness import MEDIA

from rider_core.api import AudioClip
from rider_core.link.endpointing import HANG_OVER_S, HANG_OVER_SHORT_S, MAX_UTTERANCE_S, Endpointer, Utterance

CHUNK = 640


def feed(sound: bytes, endpointer: Endpointer | None = None) -> list[Utterance]:
    endpointer = endpointer or Endpointer()
    found: list[Utterance] = []
    for start in range(0, len(sound), CHUNK):
        found.extend(endpointer.feed(sound[start : start + CHUNK]))
    return found


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * 16_000) * 2)


def noise(seconds: float, amplitude: int) -> bytes:
    samples = random.Random(7).choices(range(-amplitude, amplitude + 1), k=int(seconds * 16_000))
    return struct.pack(f"<{len(samples)}h", *samples)


@pytest.fixture
def speech() -> bytes:
    if not MEDIA.is_dir():
        pytest.skip(f"there is no speech in {MEDIA}")
    return AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()).pcm


def test_sentences_are_cut_apart(speech: bytes) -> None:
    found = feed(silence(2) + speech + silence(2))
    assert len(found) == 3, "two words alone are too short: they are joined with the next sentence"
    assert all(0.5 < utterance.duration_s < 8 for utterance in found)
    assert all(HANG_OVER_S <= utterance.quiet_s < HANG_OVER_S + 0.1 for utterance in found)


def test_a_short_utterance_needs_a_longer_silence(speech: bytes) -> None:
    (word,) = feed(silence(1) + speech[: 16_000 * 2] + silence(2))
    assert HANG_OVER_SHORT_S <= word.quiet_s < HANG_OVER_SHORT_S + 0.1


@pytest.mark.parametrize("sound", [silence(10), noise(10, 100), noise(10, 3_000)])
def test_silence_and_noise_are_no_speech(sound: bytes) -> None:
    assert feed(sound) == []


def test_endless_speech_is_cut(speech: bytes) -> None:
    dense = speech[16_000 * 2 : 16_000 * 2 + 22_400]
    found = feed(dense * 50)
    assert all(utterance.duration_s <= MAX_UTTERANCE_S + 0.1 for utterance in found)


def test_reset_drops_the_current_utterance(speech: bytes) -> None:
    endpointer = Endpointer()
    feed(speech[: 16_000 * 2], endpointer)
    assert endpointer.in_speech
    endpointer.reset()
    assert not endpointer.in_speech
    assert feed(silence(2), endpointer) == []
