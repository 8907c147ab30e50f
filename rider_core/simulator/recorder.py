"""The recorder's pipe and the sound card's buffer, which keep the sound while the voice process does not read it."""

from __future__ import annotations

from collections import deque

from rider_core.simulator.microphone import CHUNK_S

#: The recorder's pipe holds 64 KiB: 65536 bytes at 16 kHz mono, 16 bit.
PIPE_S = 2.05
#: The sound card's own buffer.
CARD_S = 0.5
_MAX_CHUNKS = int((PIPE_S + CARD_S) / CHUNK_S)


class Recorder:
    """A bounded queue of 20 ms chunks. Sound is lost while it is full."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()

    def record(self, pcm: bytes) -> None:
        if len(self._chunks) < _MAX_CHUNKS:
            self._chunks.append(pcm)

    def read(self) -> bytes | None:
        """The oldest chunk; None: the queue is empty."""
        return self._chunks.popleft() if self._chunks else None
