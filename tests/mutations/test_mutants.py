"""The mutants are about the code as it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_can_be_applied(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    assert text.count(mutant.old) == 1, f"{mutant.file} has it {text.count(mutant.old)} times"
    assert mutant.new != mutant.old
    assert (ROOT / mutant.test[0]).exists()


def test_each_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(each.name for each in MUTANTS).items() if count > 1] == []
