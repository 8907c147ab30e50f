"""Incremental detokenizer: bytes of single tokens to whole characters, up to a stop sequence."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

#: Replaces bytes that are not UTF-8. Models also write it, because their training texts had it.
_REPLACEMENT = "\ufffd"


class IncrementalDetokenizer:
    """Text of one answer.

    Args:
        stops: Stop sequences. The text ends before the first one.

    Attributes:
        stopped: A stop sequence was found.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = stops
        self._held = ""
        self.stopped = False

    def add(self, piece: bytes) -> str:
        """The text that is final. Empty while a character or a possible stop sequence is incomplete."""
        self._held += self._decoder.decode(piece).replace(_REPLACEMENT, "")  # it can be neither shown nor spoken
        found = [at for at in map(self._held.find, self._stops) if at >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        keep = max((_partial_stop_length(self._held, stop) for stop in self._stops), default=0)
        text, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return text

    def flush(self) -> str:
        """The text that was held back, once the answer is complete. An incomplete character is dropped."""
        text, self._held = self._held, ""
        return text


def _partial_stop_length(text: str, stop: str) -> int:
    """Length of the longest suffix of `text` that is a prefix of `stop`."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
