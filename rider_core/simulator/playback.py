"""The loudspeaker: what is played of a message with sound, read exactly as the robot's code reads it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rider_core.api import AudioClip
from rider_core.api.messages import decode_base64
from rider_core.errors import InvalidInput

#: The keys that are looked at, in this order. `audio_data`, which some documents name, is none of them.
AUDIO_KEYS = ("audio", "data", "chunk")
DEFAULT_RATE = 16_000
MAX_AUDIO_BYTES = 8 * 1024 * 1024
_KEPT = 2_000


@dataclass(frozen=True)
class Played:
    """One stretch of sound that came out of the loudspeaker.

    Attributes:
        at: When, on the monotonic clock.
        format: wav, pcm16 or mp3.
        clip: The sound; None for mp3, which the simulator cannot decode.
    """

    at: float
    format: str
    clip: AudioClip | None


class Loudspeaker:
    """Plays in order of arrival. `played` holds the newest stretches."""

    def __init__(self) -> None:
        self.played: deque[Played] = deque(maxlen=_KEPT)

    def play(self, body: Mapping[str, Any], now: float) -> str:
        """Play what `body` carries; returns what became of it: `played`, or why it was ignored."""
        encoded = next((body[key] for key in AUDIO_KEYS if body.get(key)), None)
        if encoded is None:
            return "ignored: no audio under audio, data or chunk"
        if not isinstance(encoded, str):
            return "ignored: the audio is no text"
        sound_format = body.get("format") or "wav"
        try:
            data = decode_base64(encoded, max_bytes=MAX_AUDIO_BYTES, name="audio")
            clip = _decode(data, sound_format, body.get("sample_rate") or DEFAULT_RATE)
        except InvalidInput as error:
            return f"ignored: {error.message}"[:120]
        self.played.append(Played(now, sound_format, clip))
        return "played"


def _decode(data: bytes, sound_format: object, sample_rate: object) -> AudioClip | None:
    if sound_format == "mp3":
        return None
    if sound_format == "wav":
        return AudioClip.from_wav(data)
    if sound_format != "pcm16":
        raise InvalidInput(f"the format is {str(sound_format)[:20]!r}, not wav, pcm16 or mp3")
    if not isinstance(sample_rate, int):
        raise InvalidInput("the sample rate is no whole number")
    return AudioClip(data, sample_rate)
