"""Rules of CONTRIBUTING.md that no linter checks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = sorted([*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/tests/**/*.py")])


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_no_test_module_imports_another() -> None:
    found = {(str(file.relative_to(ROOT)), name) for file in TESTS for name in imports_of(file)}
    assert {(file, name) for file, name in found if name.rpartition(".")[2].startswith("test_")} == set()


def test_every_environment_has_its_limit() -> None:
    listed = re.search(r"env_list = (.+)", (ROOT / "tox.ini").read_text())
    assert listed is not None
    limits = re.findall(r"^\| `([\w-]+)` \| \d+ \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert limits == listed.group(1).split(", ")


def test_the_limits_add_up_to_half_an_hour_at_most() -> None:
    limits = re.findall(r"^\| `[\w-]+` \| (\d+) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert sum(map(int, limits)) <= 30 * 60


def test_every_decision_stands_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    rows = re.findall(r"^\| \[(\d+)\]\((.+?\.md)\) \|", (folder / "README.md").read_text(), re.MULTILINE)
    pages = sorted(page.name for page in folder.glob("0*.md"))
    assert [name for _, name in rows] == pages
    assert [int(number) for number, _ in rows] == [int(name[:4]) for name in pages]
