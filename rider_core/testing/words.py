"""The words of a text, and how many of them a transcript has wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence


def words_of(text: str) -> list[str]:
    """The words in lower case, without punctuation; an apostrophe is left out of its word."""
    return re.sub(r"[^\w\s]", " ", re.sub("['\u2019]", "", text.lower())).split()


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Number of words that are missing, added or replaced: the Levenshtein distance in words."""
    return _distances(reference, heard)[-1][-1]


def word_error_rate(reference: Sequence[str], heard: Sequence[str]) -> float:
    """`word_errors` for each word of the reference: 0 is perfect, and it may be above 1."""
    return word_errors(reference, heard) / len(reference)


def aligned(reference: Sequence[str], heard: Sequence[str]) -> list[int]:
    """For each word that was heard, the index of the reference's word in its place."""
    rows = _distances(reference, heard)
    places = [0] * len(heard)
    i, j = len(reference), len(heard)
    while j:
        if i and rows[i][j] == rows[i - 1][j - 1] + (reference[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            places[j] = i
        elif i and rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
            places[j] = max(0, i - 1)
    return places


def _distances(reference: Sequence[str], heard: Sequence[str]) -> list[list[int]]:
    """Levenshtein's table: row i, column j is the distance of the first i and the first j words."""
    rows = [list(range(len(heard) + 1))]
    for i, wanted in enumerate(reference, 1):
        row = [i]
        for j, word in enumerate(heard, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (wanted != word)))
        rows.append(row)
    return rows
