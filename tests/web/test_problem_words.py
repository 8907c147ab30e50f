"""Every code of a problem has a sentence in each language of the page, and no sentence is left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import rider_core.web.app  # noqa: F401 - defines every error of the panel
from rider_core.errors import RiderError

ROOT = Path(__file__).parents[2]
#: Flask's own errors (`web/rest/problems.py`, `explain_http`).
OF_HTTP = {"method", "http"}


def errors(kind: type[RiderError] = RiderError) -> Iterator[type[RiderError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from errors(each)


@cache
def refusals() -> set[str]:
    """Codes of what is refused before Flask: the second argument of each `AccessRefusal`."""
    found = set()
    for file in (ROOT / "rider_core" / "web").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "AccessRefusal":
                code = node.args[1]
                found |= {str(code.value)} if isinstance(code, ast.Constant) else set()
    return found


@pytest.mark.parametrize("language", ["en", "pl"])
def test_every_code_has_a_sentence(language: str) -> None:
    text = (ROOT / "web" / "src" / "words" / language / "problems.ts").read_text()
    words = set(re.findall(r'^  (\w+): "[^"]+\.",$', text, re.MULTILINE))
    ours = {kind.code for kind in errors() if kind.__module__.startswith("rider_core.")}
    assert refusals() >= {"csrf", "guesses", "host", "origin", "password"}
    assert ours | refusals() | OF_HTTP == words
