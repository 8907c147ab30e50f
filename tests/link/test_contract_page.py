"""The contract's page names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "robot-contract.md"


def named() -> list[tuple[str, str]]:
    return re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE.read_text())


def test_the_page_names_tests() -> None:
    assert len(named()) > 40


@pytest.mark.parametrize(("file", "test"), named())
def test_each_test_that_the_page_names_exists(file: str, test: str) -> None:
    (path,) = (ROOT / "tests").rglob(file)
    assert f"def {test}(" in path.read_text()
