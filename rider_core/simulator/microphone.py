"""The microphone: an endless stream of 20 ms chunks, silence included."""

from __future__ import annotations

import queue
import random
import struct
from collections.abc import Iterator

from rider_core.api import AudioClip
from rider_core.errors import TooLarge
from rider_core.simulator.sounds import RATE, Playlist, to_microphone

CHUNK_S = 0.02
CHUNK_BYTES = int(RATE * CHUNK_S) * 2
#: A silent room, in units of the 16-bit scale: a real microphone is never at zero.
_ROOM_NOISE = 8
_ROOM_S = 5
#: Clips that may wait to be played.
_MAX_WAITING = 20


class Microphone:
    """Yields a pause, the first sound, a pause, the second, and so on, from the beginning again after the last."""

    def __init__(self, sounds: Playlist, pause_s: float) -> None:
        self._playlist, self._pause_chunks = sounds, round(pause_s / CHUNK_S)
        self._waiting: queue.Queue[bytes] = queue.Queue(_MAX_WAITING)
        self._room = _room_noise()
        self._room_at = 0
        self._stream = self._generate()
        self.muted = False

    def insert(self, clip: AudioClip) -> None:
        """Play a clip to the microphone next, after the current sound.

        Raises:
            TooLarge: too many clips are waiting.
        """
        try:
            self._waiting.put_nowait(to_microphone(clip))
        except queue.Full:
            raise TooLarge(f"{_MAX_WAITING} sounds wait to be played already") from None

    def read(self) -> bytes:
        """The next 20 ms."""
        return next(self._stream)

    def _generate(self) -> Iterator[bytes]:
        position = 0
        while True:
            # One chunk at least, so that the loop yields even where every length is zero.
            for _ in range(max(1, self._pause_chunks)):
                if not self._waiting.empty():
                    break
                yield self._silence()
            if not self._waiting.empty():
                yield from _chunks(self._waiting.get_nowait())
            elif not self.muted:
                yield from _chunks(self._playlist.sounds[position])
                position = (position + 1) % len(self._playlist.sounds)

    def _silence(self) -> bytes:
        start = self._room_at
        self._room_at = (start + CHUNK_BYTES) % len(self._room)
        return self._room[start : start + CHUNK_BYTES]


def _chunks(pcm: bytes) -> Iterator[bytes]:
    for start in range(0, len(pcm), CHUNK_BYTES):
        yield pcm[start : start + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")


def _room_noise() -> bytes:
    dice = random.Random(0)
    samples = [dice.randint(-_ROOM_NOISE, _ROOM_NOISE) for _ in range(_ROOM_S * RATE)]
    return struct.pack(f"<{len(samples)}h", *samples)
