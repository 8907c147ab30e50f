"""`docs/architecture.md` names every package and every key of Redis, and none that does not exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from rider_core.jobs.schedules import protocol as schedules
from rider_core.jobs.store import keys
from rider_core.worker import answer_cache

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CODE = ROOT / "rider_core"


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def layers() -> list[set[str]]:
    """The packages in the page's table, the highest layer first."""
    found: dict[int, set[str]] = {}
    for number, packages in re.findall(r"^\| (\d) \|([^|]*)\|", section("Packages"), re.MULTILINE):
        found.setdefault(int(number), set()).update(re.findall(r"`(\w+)`", packages))
    return [found[number] for number in sorted(found, reverse=True)]


def test_packages_are_those_of_the_code() -> None:
    folders = {folder.name for folder in CODE.iterdir() if (folder / "__init__.py").exists()}
    modules = {file.stem for file in CODE.glob("*.py")} - {"__init__"}
    assert set().union(*layers()) == folders | modules


def test_layers_are_those_that_lint_checks() -> None:
    contract = (ROOT / ".importlinter").read_text().partition("layers =\n")[2].partition("\n\n")[0]
    assert layers() == [set(re.findall(r"\w+", line)) for line in contract.splitlines()]


def test_declared_keys_have_their_rows() -> None:
    for key in (*keys.KEYS, *schedules.KEYS, *answer_cache.KEYS):
        lifetime = key.lifetime or "-"
        assert f"| `{key.template}` | {key.kind} | {lifetime} | {key.content} |" in PAGE, key.template


def literals() -> set[str]:
    """Beginnings of keys of ours in texts of the code."""
    found = set()
    for file in CODE.rglob("*.py"):
        if file.name == "old_keys.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"rider:[a-z]", node.value):
                found.add(re.split(r"[{ ]", node.value)[0])
    return found


def test_every_key_in_the_code_is_on_the_page() -> None:
    documented = re.findall(r"`(rider:[^`]*)`", section("Keys in Redis"))
    assert [name for name in sorted(literals()) if not any(key.startswith(name) for key in documented)] == []


def test_every_key_on_the_page_is_in_the_code() -> None:
    known = literals()
    documented = re.findall(r"`(rider:[^`]*)`", section("Keys in Redis"))
    assert [key for key in documented if not any(key.startswith(name) for name in known)] == []
    assert len(documented) > 20
