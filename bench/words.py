"""Words of a text, and how many of them a transcript got wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence


def words_of(text: str) -> list[str]:
    """In lower case, without marks."""
    return re.sub(r"[^\w\s]", "", text.lower()).split()


def word_errors(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for i, expected in enumerate(wanted, start=1):
        previous, row[0] = row[0], i
        for j, word in enumerate(heard, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (expected != word))
    return row[-1]
