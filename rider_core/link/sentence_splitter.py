"""Splits a streamed answer into sentences, each as soon as it is complete, so that the first is spoken early."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentencex import segment

from rider_core.sayable import sayable

#: A longer sentence is cut between words, in characters: a text without full stops must be spoken as well.
LONGEST = 240
#: The segmenter's rules for a text of unknown language.
_ANY_LANGUAGE = "en"
_NUMBER = re.compile(r"\d{1,3}[.)]")


class SentenceSplitter:
    """Turns parts of a text into sentences as a person would read them out. No word is lost, none comes twice."""

    def __init__(self, language: str | None) -> None:
        """
        Args:
            language: ISO 639-1: it decides what an abbreviation is. None: unknown.
        """
        self._language = language or _ANY_LANGUAGE
        self._text = ""
        #: Number of letters and digits in the sentences that were yielded.
        self._yielded = 0

    def feed(self, part: str) -> Iterator[str]:
        """Yield the sentences that the next part completes.

        A sentence is complete when the next has begun: "3." may go on as "3.5", and "Dr." as "Dr. Smith".
        """
        self._text += part
        # The whole text is segmented each time: the meaning of a mark depends on where its list, table or code began.
        yield from self._new(self._sentences()[:-1])

    def flush(self) -> Iterator[str]:
        """Yield the rest: the text is complete."""
        yield from self._new(self._sentences())
        self._text, self._yielded = "", 0

    def _new(self, sentences: list[str]) -> Iterator[str]:
        """Yield the parts that were not yielded yet. The beginnings of sentences may have moved since the last call."""
        before = 0
        for sentence in sentences:
            after = before + _letters(sentence)
            if after > self._yielded:
                yield _without_letters(sentence, max(0, self._yielded - before))
                self._yielded = after
            before = after

    def _sentences(self) -> list[str]:
        found: list[str] = []
        number = ""
        for sentence in segment(self._language, sayable(self._text)):
            rest = number + " ".join(sentence.split())
            number = ""
            if _NUMBER.fullmatch(rest):  # the number of a list item, whose words follow
                number = f"{rest} "
                continue
            while len(rest) > LONGEST:
                cut = rest.rfind(" ", 1, LONGEST) + 1 or LONGEST
                found.append(rest[:cut].rstrip())
                rest = rest[cut:]
            found.append(rest)
        return [sentence for sentence in [*found, number.strip()] if sentence]


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _without_letters(text: str, letters: int) -> str:
    """`text` without its first `letters` letters and digits."""
    start = 0
    while letters > 0:
        letters -= text[start].isalnum()
        start += 1
    return text[start:].strip()
