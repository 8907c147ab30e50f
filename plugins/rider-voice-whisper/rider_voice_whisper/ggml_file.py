"""Writes whisper.cpp's ggml model files: header, mel filter bank, tokens, tensors in f32, f16 or q8_0.

The format is the one that `models/convert-pt-to-ggml.py` and `quantize` of whisper.cpp write.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

MAGIC = 0x67676D6C
#: The header's file type: q8_0 (7) in version 2 of ggml's quantization (times 1000).
FTYPE_Q8_0 = 2007
_TENSOR_TYPES = {"f32": 0, "f16": 1, "q8_0": 8}
_BLOCK = 32
#: So that quantizing the embeddings of 51,865 tokens takes megabytes, not hundreds of them.
_ROWS_AT_A_TIME = 2048
_SAMPLE_RATE, _FFT_SIZE, _MELS = 16_000, 400, 80

TensorType = Literal["f32", "f16", "q8_0"]


def write_header(out: BinaryIO, dimensions: Sequence[int]) -> None:
    """`dimensions`: vocabulary, audio context, state, heads, layers, then text context, state, heads, layers, mels."""
    out.write(struct.pack("<12i", MAGIC, *dimensions, FTYPE_Q8_0))


def write_mel_filters(out: BinaryIO) -> None:
    filters = mel_filters()
    out.write(struct.pack("<2i", *filters.shape))
    out.write(filters.tobytes())


def write_tokens(out: BinaryIO, tokens: Sequence[bytes]) -> None:
    out.write(struct.pack("<i", len(tokens)))
    for token in tokens:
        out.write(struct.pack("<i", len(token)))
        out.write(token)


def write_tensor(out: BinaryIO, name: str, values: npt.NDArray[np.generic], kind: TensorType) -> None:
    """One tensor; its dimensions are stored innermost first, as ggml counts them."""
    label = name.encode()
    out.write(struct.pack("<3i", values.ndim, len(label), _TENSOR_TYPES[kind]))
    out.write(struct.pack(f"<{values.ndim}i", *reversed(values.shape)))
    out.write(label)
    if kind == "q8_0":
        for rows in _slices(values.reshape(-1, values.shape[-1])):
            out.write(quantize_q8_0(rows.astype(np.float32)))
    else:
        out.write(values.astype("<f4" if kind == "f32" else "<f2").tobytes())


def _slices(values: npt.NDArray[np.generic]) -> Iterator[npt.NDArray[np.generic]]:
    for start in range(0, len(values), _ROWS_AT_A_TIME):
        yield values[start : start + _ROWS_AT_A_TIME]


def quantize_q8_0(values: npt.NDArray[np.float32]) -> bytes:
    """Blocks of 32 values: one f16 scale, 32 signed bytes. After `quantize_row_q8_0_ref` in ggml-quants.c."""
    blocks = values.reshape(-1, _BLOCK)
    scales = np.abs(blocks).max(axis=1) / np.float32(127)
    inverse = np.divide(np.float32(1), scales, out=np.zeros_like(scales), where=scales != 0)
    scaled = blocks * inverse[:, None]
    # The reference's roundf differs at exact halves only: 5 in 100,000 values, by one step of 127. The models' SHA-256
    # values were taken with rint.
    packed = np.empty(len(blocks), dtype=[("scale", "<f2"), ("values", "i1", (_BLOCK,))])
    packed["scale"] = scales
    packed["values"] = np.rint(scaled)
    return packed.tobytes()


def mel_filters() -> npt.NDArray[np.float32]:
    """Slaney's mel filter bank, 80 by 201, as librosa's `filters.mel(sr=16000, n_fft=400, n_mels=80)` gives it.

    Computed in double precision and rounded once, so that every machine gets the same bytes.
    """
    frequencies = np.arange(_FFT_SIZE // 2 + 1) * (_SAMPLE_RATE / _FFT_SIZE)
    top = _hz_to_mel(_SAMPLE_RATE / 2)
    edges = np.array([_mel_to_hz(top * index / (_MELS + 1)) for index in range(_MELS + 2)])
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    lower = np.minimum(rising, falling)
    triangles = np.where(lower > 0, lower, 0.0)
    # librosa's formula gives a negative zero here (max of 0.0 and -0.0, which machines decide differently). It means
    # nothing to Whisper, but it is part of the models' SHA-256.
    triangles[0, 0] = -0.0
    return np.asarray(triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None], dtype="<f4")


#: Slaney's scale is linear up to 1 kHz (200/3 Hz a mel), then logarithmic with 27 mels for each factor of 6.4.
_LINEAR_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP if hz >= _BREAK_HZ else hz / _LINEAR_HZ_PER_MEL


def _mel_to_hz(mel: float) -> float:
    return _BREAK_HZ * math.exp(_LOG_STEP * (mel - _BREAK_MEL)) if mel >= _BREAK_MEL else mel * _LINEAR_HZ_PER_MEL
