"""The list of defences is about the code as it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from defences import DEFENCES, Defence

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda defence: defence.name)
def test_it_stands_where_the_list_says(defence: Defence) -> None:
    text = (ROOT / defence.file).read_text()
    assert text.count(defence.old) == 1, f"{defence.file} has it {text.count(defence.old)} times"
    assert defence.new != defence.old
    assert (ROOT / defence.test[0]).exists()


def test_each_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(each.name for each in DEFENCES).items() if count > 1] == []
