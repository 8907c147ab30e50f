"""Chunks from known samples: none lost, none twice, no click between chunks."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from rider_voice_espeak.chunks import chunked

from rider_core.errors import InvalidInput
from rider_core.testing import tone_pcm

OWN_RATE = 22_050


def blocks_of(pcm: bytes, samples: int = 1_324) -> list[bytes]:
    return [pcm[start : start + 2 * samples] for start in range(0, len(pcm), 2 * samples)]


def test_every_sample_once_and_in_order() -> None:
    pcm = np.arange(1, 30_000, dtype=np.int16).tobytes()
    clips = list(chunked(blocks_of(pcm), OWN_RATE, OWN_RATE))
    assert b"".join(clip.pcm for clip in clips) == pcm
    assert [round(clip.duration_s, 2) for clip in clips[:3]] == [0.06, 0.24, 0.24]


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 48_000])
def test_resampled_stream_is_what_one_go_gives(sample_rate: int) -> None:
    pcm = tone_pcm(2.0, OWN_RATE, pitch_hz=300)
    clips = list(chunked(blocks_of(pcm), OWN_RATE, sample_rate))
    assert len(clips) > 5
    stream = np.frombuffer(b"".join(clip.pcm for clip in clips), np.int16).astype(int)
    in_one_go = soxr.resample(np.frombuffer(pcm, np.int16), OWN_RATE, sample_rate).astype(int)
    assert len(stream) == len(in_one_go)
    assert np.abs(stream - in_one_go).max() <= 2  # the dither of 16 bit differs


@pytest.mark.parametrize("blocks", [[], [b"\x00" * 20_000] * 3], ids=["nothing", "silence"])
@pytest.mark.parametrize("sample_rate", [OWN_RATE, 16_000])
def test_silence_is_not_speech(blocks: list[bytes], sample_rate: int) -> None:
    with pytest.raises(InvalidInput, match="nothing that can be said"):
        list(chunked(blocks, OWN_RATE, sample_rate))


def test_silence_before_speech_stays() -> None:
    pcm = bytes(2 * OWN_RATE) + tone_pcm(1.0, OWN_RATE)
    assert b"".join(clip.pcm for clip in chunked(blocks_of(pcm), OWN_RATE, OWN_RATE)) == pcm


def test_endless_silence_is_not_collected() -> None:
    minute = blocks_of(bytes(2 * OWN_RATE * 60))
    assert max(clip.duration_s for clip in chunked(minute, OWN_RATE, OWN_RATE)) < 11
