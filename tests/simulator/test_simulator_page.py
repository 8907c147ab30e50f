"""The simulator's page names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "simulator.md"


def named() -> list[tuple[str, str]]:
    return re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE.read_text())


def test_each_line_of_the_table_names_a_test() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][2:]
    assert [line for line in lines if "::test_" not in line] == []
    assert len(named()) >= len(lines) > 30


@pytest.mark.parametrize(("file", "test"), named())
def test_each_test_that_the_page_names_exists(file: str, test: str) -> None:
    assert f"def {test}(" in (Path(__file__).parent / file).read_text()
