"""Decodes a chunked request body (RFC 9112, 7.1) for both servers.

Werkzeug's own decoder supports neither extensions nor a trailer, and eventlet's reads lines of any length.
"""

from __future__ import annotations

import io
import re
from typing import Any

#: Limits of a chunk's size line with its extensions, and of the trailer, in bytes.
MAX_LINE, MAX_TRAILER = 4 * 1024, 16 * 1024
#: The size in hexadecimal digits, extensions behind a semicolon, and the line's end.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_ENDS = (b"\r\n", b"\n")


class ChunkedBody(io.RawIOBase):
    """The decoded body. Reading raises `OSError` if the chunks are malformed."""

    def __init__(self, stream: Any, coding: str) -> None:
        """
        Args:
            stream: The buffered reader of the connection. After the body it is at the start of the next request.
            coding: The value of `Transfer-Encoding`. Nothing is read if it has any other coding than "chunked".
        """
        super().__init__()
        self._stream = stream
        self._coding = coding.strip().lower()
        self._left = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left == 0 and not self._ended:
            self._begin()
        if self._ended or not len(buffer):
            return 0
        piece = self._stream.read1(min(len(buffer), self._left))
        if not piece:
            raise OSError("the body ended within a chunk")
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        if self._left == 0 and self._stream.readline(2) not in _ENDS:
            raise OSError("a chunk is longer than it says")
        return len(piece)

    def _begin(self) -> None:
        """Read the next chunk's size line, or the end of the body."""
        if self._coding != "chunked":
            raise OSError(f"the transfer coding {self._coding[:80]!r} is not supported")
        line = self._stream.readline(MAX_LINE)
        found = _SIZE.fullmatch(line)
        if not found:
            raise OSError(f"{line[:20]!r} is not the size of a chunk")
        self._left = int(found[1], 16)
        if self._left == 0:
            self._skip_trailer()
            self._ended = True

    def _skip_trailer(self) -> None:
        left = MAX_TRAILER
        while (line := self._stream.readline(left)) not in _ENDS:
            left -= len(line)
            if not line.endswith(b"\n") or left <= 0:
                raise OSError("the trailer of the body has no end")
