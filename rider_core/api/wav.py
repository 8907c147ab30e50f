"""Reads WAV files of real programs: with unknown lengths, all kinds of headers, and samples of all widths.

The standard library trusts the lengths, and supports WAVE_FORMAT_EXTENSIBLE only from Python 3.12 on. After "Multiple
channel audio data and WAVE files" (Microsoft, 2001) and ITU-R BS.2088 (RF64).
"""

from __future__ import annotations

import io
import re
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass

from rider_core.api.file_types import file_type
from rider_core.errors import InvalidInput

#: 64-bit files differ in their lengths only, which are not needed.
_CONTAINERS = (b"RIFF", b"RF64", b"BW64")
#: A container's name, its length, "WAVE".
HEAD_BYTES = 12
#: Limit of chunks up to the samples: usually the format and a few tags.
MAX_CHUNKS = 64
#: Unknown length, of programs that write into a pipe; others write 0, 0x7fffffff, 0x80000000.
_UNKNOWN = 0xFFFF_FFFF
_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
#: Supported bits of a sample for each encoding.
_BITS = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64), _A_LAW: (8,), _MU_LAW: (8,)}
_COMPRESSED = {2: "ADPCM", 0x11: "IMA ADPCM", 0x31: "GSM", 0x50: "MPEG", 0x55: "MP3", 0xFF: "AAC"}
#: Chunks after the samples. A data chunk of length 0 is really empty where one of these follows.
_TRAILING_CHUNKS = (b"LIST", b"id3 ", b"ID3 ", b"fact", b"cue ", b"bext", b"smpl", b"JUNK", b"junk")
#: Names of chunks, to distinguish them from a padding byte, which is 0.
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_ ]{3}")


@dataclass(frozen=True)
class WavForm:
    """A file's sample format; `encoding` is its format tag."""

    encoding: int
    channels: int
    sample_rate: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


def is_wav(head: bytes) -> bool:
    """Whether a file that begins with `head` (`HEAD_BYTES`) is a WAV file."""
    return head[:4] in _CONTAINERS and head[8:12] == b"WAVE"


def find_sound(data: bytes) -> tuple[WavForm, int, int]:
    """The sample format, the offset of the samples, and their length in bytes, in whole frames.

    The length is limited by the end of the file; an unknown length means the rest of the file.

    Raises:
        InvalidInput: it is no WAV file, or its sample format is not supported.
    """
    if not is_wav(data[:HEAD_BYTES]):
        raise InvalidInput(f"this is no WAV file but {file_type(data[:64])}", remedy="ffmpeg -i RECORDING sound.wav")
    form: WavForm | None = None
    for name, start, size in _chunks(data):
        if name == b"fmt ":
            form = _form(data[start : start + min(size, 40)])
        elif name == b"data":
            if form is None:
                raise InvalidInput("the WAV file has its sound before its format")
            available = len(data) - start
            if size == 0 and data[start : start + 4] not in _TRAILING_CHUNKS:
                size = available
            length = min(size, available)
            return form, start, length - length % form.frame_bytes
    raise InvalidInput(
        f"the WAV file has no sound among its first {MAX_CHUNKS} chunks",
        remedy="send one that begins with its format and its sound",
    )


def in_16_bits(samples: bytes, form: WavForm) -> bytes:
    """Converts samples of any supported format to signed 16-bit little-endian ones."""
    if form.encoding == _PCM and form.bits == 16:
        return samples
    import numpy as np  # noqa: PLC0415  # takes 0.1 s, and most files do not need it

    if form.encoding == _FLOAT:
        values = np.frombuffer(samples, f"<f{form.bits // 8}").astype(np.float64)
        return (np.clip(np.nan_to_num(values), -1, 1) * 32767).astype("<i2").tobytes()
    if form.encoding == _PCM and form.bits == 8:
        return ((np.frombuffer(samples, np.uint8).astype(np.int16) - 128) * 256).astype("<i2").tobytes()
    if form.encoding == _PCM:
        width = form.bits // 8
        # The two upper bytes of each sample.
        return np.frombuffer(samples, np.uint8).reshape(-1, width)[:, width - 2 :].tobytes()
    table = np.array([_expanded(code, form.encoding) for code in range(256)], "<i2")
    return table[np.frombuffer(samples, np.uint8)].tobytes()


def wav_bytes(pcm: bytes, sample_rate: int, channels: int = 1) -> bytes:
    """A complete WAV file with 16-bit `pcm`."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(pcm)
    return buffer.getvalue()


def endless_header(sample_rate: int) -> bytes:
    """The header of a WAV file in 16-bit mono with an unknown length."""
    form = struct.pack("<HHIIHH", _PCM, 1, sample_rate, sample_rate * 2, 2, 16)
    return struct.pack("<4sI4s4sI", b"RIFF", _UNKNOWN, b"WAVE", b"fmt ", len(form)) + form + b"data\xff\xff\xff\xff"


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the content, and claimed length of each chunk."""
    position = HEAD_BYTES
    for _ in range(MAX_CHUNKS):
        if position + 8 > len(data):
            return
        name, size = struct.unpack_from("<4sI", data, position)
        yield name, position + 8, size
        position += 8 + size
        # Some programs omit the padding byte of chunks with an odd length.
        position += size % 2 and not _NAME.fullmatch(data, position, position + 4)


def _form(chunk: bytes) -> WavForm:
    if len(chunk) < 16:
        raise InvalidInput("the WAV file's format is cut off")
    encoding, channels, sample_rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if encoding == _EXTENSIBLE:
        if len(chunk) < 40:
            raise InvalidInput("the WAV file's format is cut off")
        encoding = struct.unpack_from("<H", chunk, 24)[0]
    if encoding not in _BITS:
        name = _COMPRESSED.get(encoding, f"format {encoding}")
        raise InvalidInput(
            f"the WAV file is compressed ({name})", remedy="ffmpeg -i RECORDING -c:a pcm_s16le sound.wav"
        )
    if bits not in _BITS[encoding]:
        known = ", ".join(map(str, _BITS[encoding]))
        raise InvalidInput(f"the WAV file has samples of {bits} bits, those of {known} are read")
    if channels == 0:
        raise InvalidInput("the WAV file has 0 channels")
    return WavForm(encoding, channels, sample_rate, bits)


def _expanded(code: int, law: int) -> int:
    """A sample of ITU-T G.711 (A-law or mu-law) in 16 bits."""
    if law == _MU_LAW:
        code = ~code & 0xFF
        size = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
        return -size if code & 0x80 else size
    code ^= 0x55
    segment, size = (code & 0x70) >> 4, (code & 0x0F) << 4
    size = size + 8 if segment == 0 else size + 0x108 << segment - 1
    return size if code & 0x80 else -size
