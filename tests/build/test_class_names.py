"""A class of the core has a name of its own: one word has one meaning in the whole code base."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Names that stand twice, each with its reason.
EXCEPTIONS: dict[str, str] = {}


@cache
def classes() -> dict[str, list[str]]:
    """Each name of a class, nested ones included, with the places where it is defined."""
    places = defaultdict(list)
    for file in sorted((ROOT / "rider_core").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{file.relative_to(ROOT).as_posix()}:{node.lineno}")
    return places


def test_no_class_name_stands_twice() -> None:
    twice = {name: places for name, places in classes().items() if len(places) > 1}
    assert {name: places for name, places in twice.items() if name not in EXCEPTIONS} == {}


def test_every_exception_is_needed() -> None:
    assert [name for name in EXCEPTIONS if len(classes()[name]) < 2] == []
