"""Splits a response into the lines of NDJSON, with limits of size and time that apply before decoding."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from rider_core.errors import ProviderError

_KIB, _MIB = 1024, 1024**2

#: Line ends for `str.splitlines`, by which httpx splits a response, but plain characters in JSON strings: U+0085,
#: which Go's encoder does not escape, U+2028 and U+2029.
_UNICODE_LINE_ENDS = (
    (b"\xc2\x85", b"\\u0085"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)


class ServerTimeout(ProviderError):
    """The server accepted the connection and sends nothing."""


@dataclass(frozen=True)
class Limits:
    """Size limits of a response, in bytes.

    Attributes:
        line: One line.
        total: The whole response.
    """

    line: int
    total: int


#: A chunk has some 200 bytes, an answer at most 8,192 tokens and those of the model's thinking.
CHAT_LIMITS = Limits(line=256 * _KIB, total=32 * _MIB)
#: The server reports its progress several times a second, for the duration of a model of 100 GB.
PULL_LIMITS = Limits(line=64 * _KIB, total=1024 * _MIB)
#: One object: the list of models, or a model with its licence and the names of its tensors.
OBJECT_LIMITS = Limits(line=16 * _MIB, total=16 * _MIB)
ERROR_LIMITS = Limits(line=64 * _KIB, total=64 * _KIB)


def limits_of(path: str, status: int) -> Limits:
    if status >= 300:
        return ERROR_LIMITS
    if path.endswith("/api/chat"):
        return CHAT_LIMITS
    return PULL_LIMITS if path.endswith("/api/pull") else OBJECT_LIMITS


class BoundedNdjsonStream(httpx.SyncByteStream):
    """The body's lines, without empty ones.

    Args:
        source: The body's chunks; closed with this stream.
        limits: Size limits.
        silence_s: Time limit of a line, in seconds, so that a server that sends byte by byte times out, too.
    """

    def __init__(self, source: Any, limits: Limits, silence_s: float) -> None:
        self._source = source
        self._limits = limits
        self._silence_s = silence_s

    def __iter__(self) -> Iterator[bytes]:
        waiting = bytearray()
        for chunk in self._timed(self._source):
            seen = len(waiting)
            waiting += chunk
            start = 0
            while (end := waiting.find(b"\n", max(start, seen))) >= 0:
                yield from self._line(bytes(waiting[start : end + 1]))
                start = end + 1
            del waiting[:start]
            self._check_line(len(waiting))
        yield from self._line(bytes(waiting))

    def close(self) -> None:
        self._source.close()

    def _line(self, line: bytes) -> Iterator[bytes]:
        self._check_line(len(line))
        if line.strip():
            for raw, escaped in _UNICODE_LINE_ENDS:
                line = line.replace(raw, escaped)
            yield line

    def _check_line(self, size: int) -> None:
        if size > self._limits.line:
            raise limit_exceeded("a line", self._limits.line)

    def _timed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        total, since = 0, time.monotonic()
        for chunk in chunks:
            total += len(chunk)
            if total > self._limits.total:
                raise limit_exceeded("an answer", self._limits.total)
            now = time.monotonic()
            if b"\n" not in chunk and now - since > self._silence_s:
                raise timeout_error(self._silence_s)
            yield chunk
            if b"\n" in chunk:
                since = time.monotonic()  # without the time that the consumer took


def limit_exceeded(what: str, limit: int) -> ProviderError:
    return ProviderError(
        f"the Ollama server sent {what} of more than {limit} bytes", remedy="check that it is an Ollama server"
    )


def timeout_error(silence_s: float) -> ServerTimeout:
    return ServerTimeout(
        f"the Ollama server sent nothing for {silence_s:g} s",
        remedy="see `ollama ps` and its log; a larger model needs a larger `read_timeout_s`",
    )
