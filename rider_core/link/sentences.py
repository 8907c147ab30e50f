"""An answer that comes in pieces, cut into sentences as soon as each is complete: the first is spoken while the rest is
still being written."""

from __future__ import annotations

from collections.abc import Iterator

from sentencex import segment

#: Longer stretches are cut between words: whoever writes without full stops is heard all the same. In characters.
LONGEST = 240
#: A language that the segmenter has rules for, where nobody knows which one it is.
_ANY_LANGUAGE = "en"


class SentenceCutter:
    """Feed it pieces, get sentences with single blanks between their words. None is lost, none comes twice."""

    def __init__(self, language: str | None) -> None:
        """
        Args:
            language: ISO 639-1: it decides what an abbreviation is. None: unknown.
        """
        self._language = language or _ANY_LANGUAGE
        self._rest = ""

    def feed(self, piece: str) -> Iterator[str]:
        """Take the next piece; the sentences that are complete by it.

        A sentence is complete when the next has begun: "3." may go on as "3.5", and "Dr." as "Dr. Smith".
        """
        self._rest += piece
        *complete, self._rest = segment(self._language, self._rest) or [""]
        while len(self._rest) > LONGEST:
            cut = self._rest.rfind(" ", 1, LONGEST) + 1 or LONGEST
            complete.append(self._rest[:cut])
            self._rest = self._rest[cut:]
        yield from filter(None, (" ".join(sentence.split()) for sentence in complete))

    def flush(self) -> Iterator[str]:
        """What is left when nothing more comes."""
        rest, self._rest = " ".join(self._rest.split()), ""
        if rest:
            yield rest
