"""Reads the variables of a CTranslate2 `model.bin`, one at a time, also where the file is split into parts.

Layout after CTranslate2's `model.cc` (binary version 6): see `Ct2Weights._read_index`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from rider_core.errors import ModelError

#: Type byte of a variable to numpy's name; the other types that exist (bfloat16, packed ones) are never needed here.
_TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_BINARY_VERSION = 6
#: No Whisper model comes near; more than this is damage.
_MAX_VARIABLES, _MAX_RANK = 10_000, 4


@dataclass(frozen=True)
class _Variable:
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size_bytes: int


class Ct2Weights:
    """The weights in the files `parts`, which are one file cut into pieces. To be used in a `with` statement.

    Raises:
        ModelError: this is not such a file.
    """

    def __init__(self, parts: Sequence[Path]) -> None:
        self._paths = parts
        self._files: list[tuple[int, BinaryIO]] = []
        self._variables: dict[str, _Variable] = {}
        self._open = ExitStack()

    def __enter__(self) -> Ct2Weights:
        start = 0
        with ExitStack() as opening:
            for path in self._paths:
                self._files.append((start, opening.enter_context(path.open("rb"))))
                start += path.stat().st_size
            self._size_bytes = start
            self._read_index()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def __contains__(self, name: str) -> bool:
        return name in self._variables

    def shape(self, name: str) -> tuple[int, ...]:
        return self._find(name).shape

    def read(self, name: str) -> npt.NDArray[np.generic]:
        """The variable as it is stored, in its own type."""
        variable = self._find(name)
        data = self._read_at(variable.offset, variable.size_bytes)
        return np.frombuffer(data, variable.dtype).reshape(variable.shape)

    def _find(self, name: str) -> _Variable:
        try:
            return self._variables[name]
        except KeyError:
            raise ModelError(f"the weights have no variable {name!r}") from None

    def _read_index(self) -> None:
        cursor = _Cursor(self)
        version = cursor.number("I")
        if version != _BINARY_VERSION:
            raise ModelError(f"this is no CTranslate2 file of version {_BINARY_VERSION}: it says {version}")
        specification = cursor.text()
        if specification != "WhisperSpec":
            raise ModelError(f"the CTranslate2 file holds a {specification[:40]!r}, not a Whisper model")
        cursor.number("I")  # the specification's revision
        count = cursor.number("I")
        if count > _MAX_VARIABLES:
            raise ModelError(f"the weights claim {count} variables")
        for _ in range(count):
            name, rank = cursor.text(), cursor.number("B")
            if rank > _MAX_RANK:
                raise ModelError(f"variable {name[:80]!r} claims {rank} dimensions")
            shape = tuple(cursor.number("I") for _ in range(rank))
            kind, size_bytes = cursor.number("B"), cursor.number("I")
            if kind not in _TYPES:
                raise ModelError(f"variable {name[:80]!r} has the unknown type {kind}")
            self._variables[name] = _Variable(_TYPES[kind], shape, cursor.position, size_bytes)
            cursor.position += size_bytes

    def _read_at(self, offset: int, size_bytes: int) -> bytes:
        if offset + size_bytes > self._size_bytes:
            raise ModelError(f"the weights end at {self._size_bytes} bytes, {offset + size_bytes} were promised")
        pieces = []
        for index, (start, file) in enumerate(self._files):
            end = self._files[index + 1][0] if index + 1 < len(self._files) else self._size_bytes
            if start <= offset < end and size_bytes:
                file.seek(offset - start)
                piece = file.read(min(size_bytes, end - offset))
                pieces.append(piece)
                offset += len(piece)
                size_bytes -= len(piece)
        return b"".join(pieces)


class _Cursor:
    """Walks through the file's header fields."""

    def __init__(self, weights: Ct2Weights) -> None:
        self._weights = weights
        self.position = 0

    def number(self, code: str) -> int:
        layout = struct.Struct(f"<{code}")
        (value,) = layout.unpack(self._take(layout.size))
        return int(value)

    def text(self) -> str:
        """A string: its length with the closing NUL, then its bytes."""
        return self._take(self.number("H")).rstrip(b"\0").decode("utf-8", "replace")

    def _take(self, size_bytes: int) -> bytes:
        data = self._weights._read_at(self.position, size_bytes)
        self.position += size_bytes
        return data
