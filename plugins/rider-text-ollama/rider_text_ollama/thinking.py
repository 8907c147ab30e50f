"""Keeps what a model thinks from being said, where the server does not keep them apart.

Ollama does so for the models whose thinking it knows. Others (weights that somebody imported) write it into their
answer, between these two marks, before anything else.
"""

from __future__ import annotations

from enum import Enum, auto

BEGIN, END = "<think>", "</think>"
#: Blanks in front of an answer that are held back, in characters, because thinking may follow.
_MOST_BLANKS = 200


class _State(Enum):
    UNDECIDED = auto()
    THINKING = auto()
    BETWEEN = auto()
    ANSWERING = auto()


class ThinkingFilter:
    """Fed with an answer piece by piece, it gives what is to be said.

    Attributes:
        thought: Whether something was left out.
    """

    def __init__(self) -> None:
        self.thought = False
        self._state = _State.UNDECIDED
        self._held = ""

    def feed(self, piece: str) -> str:
        """What may be said now, perhaps nothing."""
        if self._state is _State.ANSWERING:
            return piece
        self._held += piece
        if self._state is _State.UNDECIDED:
            self._decide()
        if self._state is _State.THINKING:
            self._think()
        if self._state is _State.BETWEEN:
            # The empty lines between thinking and answer are not the answer's.
            self._held = self._held.lstrip()
            if self._held:
                self._state = _State.ANSWERING
        return self._released() if self._state is _State.ANSWERING else ""

    def end(self) -> str:
        """What was held back and is to be said after all."""
        return self._released() if self._state is _State.UNDECIDED else ""

    def _decide(self) -> None:
        begun = self._held.lstrip()
        if begun.startswith(BEGIN):
            self.thought = True
            self._state = _State.THINKING
            self._held = begun[len(BEGIN) :]
        elif (begun and not BEGIN.startswith(begun)) or len(self._held) > _MOST_BLANKS:
            self._state = _State.ANSWERING

    def _think(self) -> None:
        _, mark, answer = self._held.partition(END)
        if mark:
            self._state = _State.BETWEEN
            self._held = answer
        else:
            self._held = self._held[-len(END) :]

    def _released(self) -> str:
        released, self._held = self._held, ""
        return released
