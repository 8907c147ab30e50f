"""Joins the engine's blocks to chunks of the requested sample rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from rider_core.api import AudioClip
from rider_core.errors import InvalidInput

#: Short, so that the robot starts to play soon.
FIRST_CHUNK_S = 0.05
#: Four messages for a second of speech, each long enough to bridge network jitter.
CHUNK_S = 0.24
#: Leading silence is held back up to this duration.
_SILENCE_LIMIT_S = 10.0
_SAMPLE_BYTES = 2


def chunked(blocks: Iterable[bytes], own_rate: int, sample_rate: int) -> Iterator[AudioClip]:
    """`blocks` of 16-bit samples at `own_rate` Hz as clips at `sample_rate` Hz.

    Raises:
        InvalidInput: the blocks are silent, because the text has nothing that can be said.
    """
    waiting = bytearray()
    target = _bytes(FIRST_CHUNK_S, sample_rate)
    has_begun = False
    for block, pcm in _resampled(blocks, own_rate, sample_rate):
        waiting += pcm
        has_begun = has_begun or any(block) or len(waiting) > _bytes(_SILENCE_LIMIT_S, sample_rate)
        if has_begun and len(waiting) >= target:
            yield AudioClip(bytes(waiting), sample_rate)
            waiting.clear()
            target = _bytes(CHUNK_S, sample_rate)
    if not has_begun:
        raise InvalidInput("the text has nothing that can be said", remedy="send words, numbers or symbols")
    if waiting:
        yield AudioClip(bytes(waiting), sample_rate)


def _bytes(duration_s: float, sample_rate: int) -> int:
    return round(duration_s * sample_rate) * _SAMPLE_BYTES


def _resampled(blocks: Iterable[bytes], own_rate: int, sample_rate: int) -> Iterator[tuple[bytes, bytes]]:
    """Each block with the resampler's output for it, and an empty block with the output of the final flush."""
    if own_rate == sample_rate:
        yield from ((block, block) for block in blocks)
        return
    stream = soxr.ResampleStream(own_rate, sample_rate, 1, dtype="int16")
    for block in blocks:
        yield block, stream.resample_chunk(np.frombuffer(block, np.int16)).tobytes()
    yield b"", stream.resample_chunk(np.empty(0, np.int16), last=True).tobytes()
