"""The lines of a server's answer, under limits, before anybody decodes them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from rider_core.errors import ProviderError

_KIB, _MIB = 1024, 1024**2

#: Ends of a line for `str.splitlines`, with which httpx cuts an answer, but plain characters inside JSON's strings:
#: "next line" (U+0085), which Go's encoder writes as it is, and the separators U+2028 and U+2029.
_FALSE_ENDS = (
    (b"\xc2\x85", b"\\u0085"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)


class Silent(ProviderError):
    """The server is there, and says nothing."""


@dataclass(frozen=True)
class Limits:
    """How much a server may say, in bytes.

    Attributes:
        line: One line.
        total: A whole answer.
    """

    line: int
    total: int


#: A piece of an answer has some 200 bytes and at most 8,192 tokens are asked for; one that thinks has more of them.
CHAT_LIMITS = Limits(line=256 * _KIB, total=32 * _MIB)
#: The server tells its progress several times a second, for as long as a model of 100 GB takes.
PULL_LIMITS = Limits(line=64 * _KIB, total=1024 * _MIB)
#: One object: what the server has, or a model with its licence and the names of its tensors.
OBJECT_LIMITS = Limits(line=16 * _MIB, total=16 * _MIB)
ERROR_LIMITS = Limits(line=64 * _KIB, total=64 * _KIB)


def limits_of(path: str, status: int) -> Limits:
    if status >= 300:
        return ERROR_LIMITS
    if path.endswith("/api/chat"):
        return CHAT_LIMITS
    return PULL_LIMITS if path.endswith("/api/pull") else OBJECT_LIMITS


class LimitedLines(httpx.SyncByteStream):
    """A body line by line, without empty ones.

    Args:
        source: The body as it arrives; closed with this.
        limits: How much may come.
        silence_s: How long a line may take, in seconds: one that drips a byte at a time is silence, too.
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
            for false_end, escaped in _FALSE_ENDS:
                line = line.replace(false_end, escaped)
            yield line

    def _check_line(self, size: int) -> None:
        if size > self._limits.line:
            raise too_much("a line", self._limits.line)

    def _timed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        total, since = 0, time.monotonic()
        for chunk in chunks:
            total += len(chunk)
            if total > self._limits.total:
                raise too_much("an answer", self._limits.total)
            now = time.monotonic()
            if b"\n" not in chunk and now - since > self._silence_s:
                raise silent(self._silence_s)
            yield chunk
            if b"\n" in chunk:
                since = time.monotonic()  # whoever takes the lines may have taken their time


def too_much(what: str, limit: int) -> ProviderError:
    return ProviderError(
        f"the Ollama server sent {what} of more than {limit} bytes", remedy="see whether it is an Ollama server"
    )


def silent(silence_s: float) -> Silent:
    return Silent(
        f"the Ollama server said nothing for {silence_s:g} s",
        remedy="see `ollama ps` and its log; a larger model needs a larger `read_timeout_s`",
    )
