"""An answer that comes in pieces, cut into sentences as soon as each is complete: the first is spoken while the rest is
still being written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentencex import segment

from rider_core.sayable import sayable

#: Longer stretches are cut between words: whoever writes without full stops is heard all the same. In characters.
LONGEST = 240
#: A language that the segmenter has rules for, where nobody knows which one it is.
_ANY_LANGUAGE = "en"
_NUMBER = re.compile(r"\d{1,3}[.)]")


class SentenceSplitter:
    """Feed it pieces, get sentences as a person would read them out. No word is lost, none comes twice."""

    def __init__(self, language: str | None) -> None:
        """
        Args:
            language: ISO 639-1: it decides what an abbreviation is. None: unknown.
        """
        self._language = language or _ANY_LANGUAGE
        self._text = ""
        #: Letters and digits of the sentences that were given.
        self._given = 0

    def feed(self, piece: str) -> Iterator[str]:
        """Take the next piece; the sentences that are complete by it.

        A sentence is complete when the next has begun: "3." may go on as "3.5", and "Dr." as "Dr. Smith".
        """
        self._text += piece
        # All of the answer each time: what a mark means depends on where its list, table or code began.
        yield from self._new(self._sentences()[:-1])

    def flush(self) -> Iterator[str]:
        """What is left when nothing more comes."""
        yield from self._new(self._sentences())
        self._text, self._given = "", 0

    def _new(self, sentences: list[str]) -> Iterator[str]:
        """What was not given yet. The segmenter may have changed its mind about where a sentence begins."""
        before = 0
        for sentence in sentences:
            after = before + _letters(sentence)
            if after > self._given:
                yield _without_letters(sentence, max(0, self._given - before))
                self._given = after
            before = after

    def _sentences(self) -> list[str]:
        found: list[str] = []
        number = ""
        for sentence in segment(self._language, sayable(self._text)):
            rest = number + " ".join(sentence.split())
            number = ""
            if _NUMBER.fullmatch(rest):  # of an item, whose words follow
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
    """`text` behind its first so many letters and digits."""
    start = 0
    while letters > 0:
        letters -= text[start].isalnum()
        start += 1
    return text[start:].strip()
