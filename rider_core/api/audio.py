"""Sound as it passes between the parts: 16-bit PCM with its rate and channels, and WAV under limits.

Resampling is not here: it needs numpy, and belongs to the provider whose engine wants another rate.
"""

from __future__ import annotations

import io
import struct
import wave
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from rider_core.errors import InvalidInput, TooLarge

SAMPLE_BYTES = 2
#: "RIFF", a length, "WAVE".
_RIFF_BYTES = 12
#: The rates that sound cards and codecs use lie within; a header outside of it is damage or an attack.
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 4_000, 192_000
MAX_CHANNELS = 8
#: The longest clip that is taken in. Whisper sees 30 s at a time; ten windows are a long command indeed.
MAX_CLIP_S = 300.0
#: Chunks of a WAV file up to its sound: its format, and a few of tags. More are an attack on whoever walks them.
MAX_WAV_CHUNKS = 64


@dataclass(frozen=True)
class AudioClip:
    """A stretch of sound.

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
        """Read a RIFF WAV file in 16-bit PCM; what the header promises is compared with what is there.

        Raises:
            InvalidInput: it is no such file, or its header and its data contradict each other.
            TooLarge: it lasts longer than `MAX_CLIP_S`.
        """
        deque(wav_chunks(data), maxlen=0)
        try:
            with wave.open(io.BytesIO(data)) as reader:
                width, channels, rate = reader.getsampwidth(), reader.getnchannels(), reader.getframerate()
                promised = reader.getnframes()
                if width != SAMPLE_BYTES:
                    raise InvalidInput(f"the WAV file has {width * 8}-bit samples, only 16-bit PCM is read")
                if promised * width * channels > len(data):
                    raise InvalidInput(f"the WAV header promises {promised} frames, the file has {len(data)} bytes")
                pcm = reader.readframes(promised)
        except (wave.Error, EOFError, struct.error, ValueError, RuntimeError) as error:
            raise InvalidInput(f"this is not a WAV file: {error or 'it ends too early'}") from None
        if len(pcm) != promised * width * channels:
            raise InvalidInput(
                f"the WAV header promises {promised} frames, its outer length leaves room for "
                f"{len(pcm) // (width * channels)}"
            )
        return cls(pcm, rate, channels)


def wav_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a RIFF file up to its sound: name, where its content begins, and the length that it claims.

    Raises:
        InvalidInput: no sound comes within `MAX_WAV_CHUNKS`.
    """
    position = _RIFF_BYTES
    for _ in range(MAX_WAV_CHUNKS):
        if position + 8 > len(data):
            break
        name, size = struct.unpack_from("<4sI", data, position)
        yield name, position + 8, size
        if name == b"data":
            return
        position += 8 + size + size % 2
    raise InvalidInput(
        f"this is not a WAV file: no sound among its first {MAX_WAV_CHUNKS} chunks",
        remedy="send one that begins with its format and its sound",
    )


def wav_bytes(pcm: bytes, sample_rate: int, channels: int = 1) -> bytes:
    """A complete WAV file around 16-bit `pcm`."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(sample_rate)
        writer.writeframes(pcm)
    return buffer.getvalue()
