"""A change that takes one defence out of the product, and the test that must fail with it."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """
    Attributes:
        name: What happens where the defence is missing.
        file: The file that is changed, from the top of the repository.
        old: The text of the defence. It stands in the file exactly once.
        new: The text without the defence.
        test: The file of the test that must fail, and words for pytest's -k.
    """

    name: str
    file: str
    old: str
    new: str
    test: tuple[str, str]
