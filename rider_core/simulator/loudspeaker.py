"""The loudspeaker: which messages with sound the robot's code plays, for how long, and where it cuts a sound off."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rider_core.api import AudioClip
from rider_core.errors import InvalidInput

#: The keys of the sound, in the order in which they are tried. `audio_data`, which some documents name, is not read.
AUDIO_KEYS = ("audio", "data", "chunk")
#: The stored playback gives raw samples to the player as 16 kHz mono, whatever `sample_rate` says.
PCM_RATE = 16_000
MAX_AUDIO_BYTES = 8 * 1024 * 1024
_MAX_PLAYED = 2_000

#: The robot writes a sound into the player's pipe in one call. Where that call takes longer than this, in seconds, a
#: watchdog closes the pipe.
IDLE_S = 2.0
#: Buffers of the player (in seconds) and of the pipe (in bytes), which are filled before the call returns.
PLAYER_BUFFER_S = 0.5
PIPE_BYTES = 64 * 1024
#: The player is killed this long after its start where its pipe was closed, in seconds.
KILLED_S = 5.1


@dataclass(frozen=True)
class Played:
    """One sound that was played.

    Attributes:
        at: When the player was started, on the monotonic clock.
        format: wav, pcm16 or mp3.
        clip: The sound; None for mp3, which the simulator cannot decode.
        audible_s: Its audible length, in seconds; 0 for mp3.
        cut: Whether it was longer than the player's limit: the robot continues before its end, so the next sound starts
            over it, and it is not audible beyond `KILLED_S`.
        ended_at: When it ends, on the monotonic clock; known from its start.
    """

    at: float
    format: str
    clip: AudioClip | None
    audible_s: float
    cut: bool
    ended_at: float


def limit_s(clip: AudioClip) -> float:
    """The longest sound in this clip's format that is not cut off, in seconds."""
    return IDLE_S + _taken_in_s(clip)


class Loudspeaker:
    """Plays in order of arrival. `played` holds the latest sounds.

    Args:
        gap_s: From the player's start to its first sound, in seconds.
    """

    def __init__(self, gap_s: float) -> None:
        self._gap_s = gap_s
        self.played: deque[Played] = deque(maxlen=_MAX_PLAYED)

    def play(self, body: Mapping[str, Any], now: float) -> tuple[str, float]:
        """Play the sound in `body`.

        Returns:
            The effect (`played`, or why it was ignored), and how long the caller is blocked, in seconds.
        """
        try:
            sound_format, clip = _read(body)
        except InvalidInput as error:
            return f"ignored: {error.message}"[:120], 0.0
        length_s = clip.duration_s if clip else 0.0
        cut = clip is not None and length_s > limit_s(clip)
        audible_s, blocked_s = length_s, length_s
        if clip is not None and cut:
            audible_s = min(length_s, KILLED_S - self._gap_s)
            # The write returns with an error when all is in the pipe: the robot does not wait for the end.
            blocked_s = min(audible_s, length_s - _taken_in_s(clip))
        self.played.append(Played(now, sound_format, clip, audible_s, cut, now + self._gap_s + audible_s))
        return "played", self._gap_s + blocked_s


def _taken_in_s(clip: AudioClip) -> float:
    return PLAYER_BUFFER_S + PIPE_BYTES / (clip.sample_rate * clip.channels * 2)


def _read(body: Mapping[str, Any]) -> tuple[str, AudioClip | None]:
    encoded = next((body[key] for key in AUDIO_KEYS if body.get(key)), None)
    if encoded is None:
        raise InvalidInput("no audio under audio, data or chunk")
    data = _decoded(encoded)
    named = body.get("format") or body.get("mime") or "wav"
    if not isinstance(named, str):
        raise InvalidInput("the format is no text")
    try:
        # The robot requires a number here, but does not use it.
        int(body.get("sample_rate") or body.get("rate") or PCM_RATE)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput("the sample rate is no whole number") from None
    name = named.lower()
    if "mp3" in name:
        return "mp3", None
    if "pcm" in name or "s16" in name:
        return "pcm16", AudioClip(data[: len(data) // 2 * 2], PCM_RATE)
    # Every other name counts as wav.
    return "wav", AudioClip.from_wav(data)


def _decoded(encoded: object) -> bytes:
    if not isinstance(encoded, str):
        raise InvalidInput("the audio is no text")
    if len(encoded) * 3 // 4 > MAX_AUDIO_BYTES:
        raise InvalidInput(f"the audio has more than the limit of {MAX_AUDIO_BYTES} bytes")
    try:
        # As on the robot: characters that are not base64 are skipped.
        data = base64.b64decode(encoded)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(f"the audio is not base64: {error}") from None
    if not data:
        raise InvalidInput("the audio is not base64: no bytes come out")
    return data
