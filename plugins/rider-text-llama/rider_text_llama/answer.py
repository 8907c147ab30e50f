"""From the bytes of single tokens to text that may be shown: whole characters, and nothing from a stop sequence on."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

#: What stands for bytes that are no UTF-8, and what models write for a character that they lost in their training.
_LOST = "\ufffd"


class AnswerText:
    """Collects an answer.

    Args:
        stops: The answer ends before any of these.

    Attributes:
        stopped: One of them has come.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = stops
        self._held = ""
        self.stopped = False

    def add(self, piece: bytes) -> str:
        """What may be shown now: perhaps nothing, where a character or a stop sequence may have begun."""
        self._held += self._decoder.decode(piece).replace(_LOST, "")  # it can be neither shown nor spoken
        found = [at for at in map(self._held.find, self._stops) if at >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        keep = max((_begun(self._held, stop) for stop in self._stops), default=0)
        text, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return text

    def rest(self) -> str:
        """What was held back, where the answer is complete. Half a character is none."""
        text, self._held = self._held, ""
        return text


def _begun(text: str, stop: str) -> int:
    """Length of the longest end of `text` with which `stop` begins."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
