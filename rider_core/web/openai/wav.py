"""WAV files whose length nobody knew when their header was written: made here, and understood when they come back.

Programs that write WAV into a pipe (ffmpeg, OpenAI's own speech) put 0xFFFFFFFF for both lengths; players read to the
end. `AudioClip.from_wav` takes that for what it says, and refuses it.
"""

from __future__ import annotations

import struct

from rider_core.api.audio import wav_chunks

#: So much of a file tells whether it is one.
HEAD_BYTES = 12
_UNKNOWN = 0xFFFF_FFFF
_PCM = 1
_SAMPLE_BYTES = 2
#: Offset of a frame's size in bytes within the chunk `fmt `, and the shortest that has it.
_FRAME_BYTES_AT, _SHORTEST_FORM = 12, 16


def endless_header(sample_rate: int) -> bytes:
    """The header of a WAV file in 16-bit mono whose samples follow, however many."""
    form = struct.pack("<HHIIHH", _PCM, 1, sample_rate, sample_rate * _SAMPLE_BYTES, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES)
    return struct.pack("<4sI4s4sI", b"RIFF", _UNKNOWN, b"WAVE", b"fmt ", len(form)) + form + _head(b"data", _UNKNOWN)


def is_wav(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def with_true_length(data: bytes) -> bytes:
    """A WAV file as it is where it says how long its sound is; otherwise with the length that is there.

    Raises:
        InvalidInput: it has no sound.
    """
    frame_bytes = _SAMPLE_BYTES
    for name, start, size in wav_chunks(data):
        if name == b"fmt " and size >= _SHORTEST_FORM and start + size <= len(data):
            frame_bytes = max(1, struct.unpack_from("<H", data, start + _FRAME_BYTES_AT)[0])
        elif name == b"data" and size == _UNKNOWN:
            length = len(data) - start
            # What is cut off is a part of the last frame.
            true = _head(b"data", length - length % frame_bytes)
            riff = struct.pack("<4sI", b"RIFF", len(data) - 8)
            return b"".join([riff, data[8 : start - 8], true, data[start:]])
    return data


def _head(name: bytes, size: int) -> bytes:
    return struct.pack("<4sI", name, size)
