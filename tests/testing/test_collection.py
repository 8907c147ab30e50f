"""Every test is run."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def test_pytest_enters_every_folder_with_tests(pytestconfig: pytest.Config) -> None:
    """By default it leaves out folders of some names, such as `build`, without a word."""
    folders = {part for file in TESTS.rglob("test_*.py") for part in file.relative_to(TESTS).parts[:-1]}
    patterns = pytestconfig.getini("norecursedirs")
    assert [name for name in sorted(folders) if any(fnmatch(name, pattern) for pattern in patterns)] == []
