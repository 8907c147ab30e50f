"""A change that removes one safeguard, and the test that must fail with it."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """
    Attributes:
        name: What happens without the safeguard.
        file: The file that is changed, as a path from the repository's root.
        old: The text of the safeguard. It occurs in the file exactly once.
        new: The text without the safeguard.
        test: The file of the test that must fail, and words for pytest's -k.
    """

    name: str
    file: str
    old: str
    new: str
    test: tuple[str, str]
