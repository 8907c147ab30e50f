"""Every test is run."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def test_pytest_enters_every_folder_with_tests(pytestconfig: pytest.Config) -> None:
    """By default it leaves out folders of some names, such as `build`, without a word."""
    folders = {part for file in TESTS.rglob("test_*.py") for part in file.relative_to(TESTS).parts[:-1]}
    patterns = pytestconfig.getini("norecursedirs")
    assert [name for name in sorted(folders) if any(fnmatch(name, pattern) for pattern in patterns)] == []


@pytest.mark.acceptance
def test_no_file_with_a_mark_is_left_out() -> None:
    """`tests/conftest.py` does not import files without the mark that `-m` asks for."""
    chosen = [collected(mark) for mark in ("slow", "acceptance")]
    assert all(chosen)
    assert set.union(*chosen) == collected("slow or acceptance"), "here every file is imported"


def collected(expression: str) -> set[str]:
    command = [sys.executable, "-m", "pytest", str(TESTS), "--collect-only", "-q", "-m", expression]
    output = subprocess.run([*command, "-p", "no:cacheprovider"], capture_output=True, text=True, check=True).stdout
    return {line for line in output.splitlines() if "::" in line}
