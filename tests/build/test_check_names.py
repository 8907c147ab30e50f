"""Retired names (docs/renamed.md) are found where they are used again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "contrib" / "build" / "check_names.py"
TABLE = """| old | new | in |
| --- | --- | --- |
| `Desk` | `Consumer` | |
| `Done` | `Completed` | `rider_core/worker` |
| `rider_core/pace.py` | `rider_core/batch_sizer.py` | |
| `rider:bell:` | `rider:wakeup:` | |
"""


def check(folder: Path) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "renamed.md").write_text(TABLE)
    (tmp_path / "rider_core" / "worker").mkdir(parents=True)
    return tmp_path


def test_a_name_retired_in_one_folder_is_free_in_another(tree: Path) -> None:
    (tree / "rider_core" / "worker_tools").mkdir()
    (tree / "rider_core" / "worker_tools" / "a.py").write_text("Done = 1\n")
    assert check(tree) == (0, [])


def test_words_of_texts_are_no_identifiers(tree: Path) -> None:
    (tree / "rider_core" / "a.py").write_text('"""A Desk."""\nDone = "Desk"  # Desk\n')
    (tree / "rider_core" / "a.lua").write_text("local desk = 'Desk' -- Desk\n")
    assert check(tree) == (0, [])


def test_identifiers_are_found_in_python_and_lua(tree: Path) -> None:
    (tree / "rider_core" / "a.py").write_text("x = 1\nclass Desk: ...\n")
    (tree / "rider_core" / "a.lua").write_text("local Desk = 1\n")
    (tree / "rider_core" / "worker" / "b.py").write_text("Done = 1\n")
    assert check(tree) == (
        1,
        [
            "rider_core/a.lua:1: Desk is called Consumer now",
            "rider_core/a.py:2: Desk is called Consumer now",
            "rider_core/worker/b.py:1: Done is called Completed now",
        ],
    )


def test_files_are_found(tree: Path) -> None:
    (tree / "rider_core" / "pace.py").touch()
    assert check(tree) == (1, ["rider_core/pace.py is called rider_core/batch_sizer.py now"])


def test_keys_of_redis_are_found_in_texts(tree: Path) -> None:
    (tree / "rider_core" / "a.lua").write_text("\nredis.call('PUBLISH', 'rider:bell:' .. queue, '1')\n")
    (tree / "rider_core" / "old_keys.py").write_text('OLD = ["rider:bell:text"]\n')
    assert check(tree) == (1, ["rider_core/a.lua:2: rider:bell: is called rider:wakeup: now"])


def test_a_table_without_rows_is_an_error(tree: Path) -> None:
    (tree / "docs" / "renamed.md").write_text("nothing\n")
    assert check(tree)[0] == 1
