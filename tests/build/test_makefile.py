"""make in a folder of any name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"


@pytest.mark.parametrize("name", ["plain", "it's mine", 'the "best" 100%; żółw $HOME', "a`b\\c"])
@pytest.mark.parametrize("where", ["there", "elsewhere"])
def test_it_finds_itself(tmp_path: Path, name: str, where: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(MAKEFILE, folder)
    arguments = ["make", "help"] if where == "there" else ["make", "-C", str(folder), "help"]
    made = subprocess.run(
        arguments,
        cwd=folder if where == "there" else tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert "show this" in made.stdout
