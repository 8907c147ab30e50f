"""Removes a model's thinking from its answer where the server does not separate them.

Ollama separates the thinking of models that it knows. Others (imported weights) write it at the beginning of the
answer, between these two tags.
"""

from __future__ import annotations

from enum import Enum, auto

BEGIN, END = "<think>", "</think>"
#: Limit of leading whitespace that is held back, in characters, because thinking may follow.
_MOST_BLANKS = 200


class _State(Enum):
    UNDECIDED = auto()
    THINKING = auto()
    BETWEEN = auto()
    ANSWERING = auto()


class ThinkingFilter:
    """Takes an answer in pieces, and returns it without thinking.

    Attributes:
        thought: Whether thinking was removed.
    """

    def __init__(self) -> None:
        self.thought = False
        self._state = _State.UNDECIDED
        self._held = ""

    def feed(self, piece: str) -> str:
        """The answer's next text, perhaps empty."""
        if self._state is _State.ANSWERING:
            return piece
        self._held += piece
        if self._state is _State.UNDECIDED:
            self._decide()
        if self._state is _State.THINKING:
            self._think()
        if self._state is _State.BETWEEN:
            # The empty lines between thinking and answer are dropped.
            self._held = self._held.lstrip()
            if self._held:
                self._state = _State.ANSWERING
        return self._released() if self._state is _State.ANSWERING else ""

    def end(self) -> str:
        """The text that was held back and is no thinking."""
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
