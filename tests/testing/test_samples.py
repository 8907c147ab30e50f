"""The samples of `rider_core.testing` have the documented properties."""

from __future__ import annotations

from array import array
from itertools import pairwise

import pytest

from rider_core.errors import InvalidInput
from rider_core.testing import SMALL_JPEG, SMALL_JPEG_SIZE, silence_clip, tone_clip, wait_until
from rider_core.testing.object_detection import jpeg_that_claims


def test_tone() -> None:
    clip = tone_clip(0.5, 48_000, channels=2, pitch_hz=1_000)
    assert (clip.duration_s, clip.sample_rate, clip.channels) == (0.5, 48_000, 2)
    samples = array("h", clip.pcm)
    left, right = samples[::2], samples[1::2]
    assert left == right
    assert sum(a < 0 <= b for a, b in pairwise(left)) == pytest.approx(500, abs=1)
    assert 7_900 < max(left) < 8_100


def test_silence() -> None:
    assert silence_clip(2.0).duration_s == 2.0
    assert not any(silence_clip(2.0).pcm)
    assert silence_clip(0.0).frames == 1


def test_too_long_a_clip_is_refused_as_everywhere() -> None:
    with pytest.raises(InvalidInput):
        silence_clip(301, 8_000)


def test_jpeg() -> None:
    assert SMALL_JPEG.startswith(b"\xff\xd8\xff")
    assert SMALL_JPEG.endswith(b"\xff\xd9")
    assert jpeg_that_claims(*SMALL_JPEG_SIZE) == SMALL_JPEG
    assert jpeg_that_claims(50_000, 50_000) != SMALL_JPEG


def test_wait_until() -> None:
    answers = iter([False, False, True])
    wait_until(lambda: next(answers))
    with pytest.raises(pytest.fail.Exception, match="the moon was not met"):
        wait_until(lambda: False, timeout_s=0.05, what="the moon")
