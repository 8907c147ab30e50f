"""A limited number of places, shared fairly: one person who takes many cannot keep others out."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Seat(NamedTuple):
    """
    Attributes:
        granted: There is a place.
        displaced: Who lost a place for it; empty: nobody.
    """

    granted: bool
    displaced: str = ""


class FairPlaces:
    """Who sits where. Not safe for several threads: its owner locks."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        #: Id of each place's holder to its person, the oldest first.
        self._persons: dict[str, str] = {}

    def take(self, holder: str, person: str) -> Seat:
        """Take a place. Where none is free, whoever has most gives the oldest up, if that still leaves them as many."""
        displaced = ""
        if len(self._persons) >= self._limit:
            counts = Counter(self._persons.values())
            richest, most = counts.most_common(1)[0]
            if most < counts[person] + 2:
                return Seat(False)
            displaced = next(it for it, owner in self._persons.items() if owner == richest)
            del self._persons[displaced]
        self._persons[holder] = person
        return Seat(True, displaced)

    def leave(self, holder: str) -> None:
        self._persons.pop(holder, None)

    def clear(self) -> None:
        self._persons.clear()
