"""Audio clips: 16-bit PCM with its rate and channels, and WAV with limits.

Resampling needs numpy, and is left to the providers whose engine needs another rate.
"""

from __future__ import annotations

from dataclasses import dataclass

from rider_core.api.wav import find_sound, in_16_bits, wav_bytes
from rider_core.errors import InvalidInput, TooLarge

SAMPLE_BYTES = 2
#: Range of the rates of sound cards and codecs, in Hz. Others are damage or an attack.
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 4_000, 192_000
MAX_CHANNELS = 8
#: Longest accepted clip, in seconds: ten of Whisper's windows of 30 s.
MAX_CLIP_S = 300.0


@dataclass(frozen=True)
class AudioClip:
    """
    Attributes:
        pcm: Signed 16-bit little-endian samples, channels interleaved.
        sample_rate: Frames a second, in Hz.
        channels: Number of channels.
    """

    pcm: bytes
    sample_rate: int
    channels: int = 1

    def __post_init__(self) -> None:
        if not MIN_SAMPLE_RATE <= self.sample_rate <= MAX_SAMPLE_RATE:
            raise InvalidInput(f"sample_rate is {self.sample_rate} Hz, not {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise InvalidInput(f"channels is {self.channels}, not 1 to {MAX_CHANNELS}")
        if not self.pcm:
            raise InvalidInput("the audio has no samples")
        if len(self.pcm) % (SAMPLE_BYTES * self.channels):
            raise InvalidInput(
                f"the audio has {len(self.pcm)} bytes, not whole frames of {self.channels} channel(s) in 16 bit"
            )
        if self.duration_s > MAX_CLIP_S:
            raise TooLarge(f"the audio lasts {self.duration_s:.1f} s, the limit is {MAX_CLIP_S:.0f} s")

    @property
    def frames(self) -> int:
        return len(self.pcm) // (SAMPLE_BYTES * self.channels)

    @property
    def duration_s(self) -> float:
        return self.frames / self.sample_rate

    def to_wav(self) -> bytes:
        return wav_bytes(self.pcm, self.sample_rate, self.channels)

    @classmethod
    def from_wav(cls, data: bytes) -> AudioClip:
        """Read a WAV file; samples of other widths are converted to 16 bits. `rider_core.api.wav` lists the formats.

        Raises:
            InvalidInput: it is no WAV file, or of an unsupported format.
            TooLarge: it lasts longer than `MAX_CLIP_S`.
        """
        form, start, length = find_sound(data)
        if form.sample_rate and length // form.frame_bytes > MAX_CLIP_S * form.sample_rate:
            duration_s = length / form.frame_bytes / form.sample_rate
            raise TooLarge(f"the audio lasts {duration_s:.1f} s, the limit is {MAX_CLIP_S:.0f} s")
        return cls(in_16_bits(data[start : start + length], form), form.sample_rate, form.channels)
