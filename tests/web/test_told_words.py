"""Each server sentence that the page translates into Polish still occurs in the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Groups, escaped parentheses and anchors of a pattern: what is not literal text.
PARTS = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\\[()]|\$$|^\^")


def patterns() -> list[str]:
    text = (ROOT / "web" / "src" / "words" / "pl" / "told.ts").read_text()
    return re.findall(r"^ +(?:\[)?/(.+)/,", text, re.MULTILINE)


def literals(pattern: str) -> list[str]:
    """The literal parts of a pattern between its groups."""
    return [part for part in (it.strip(" ;:'") for it in PARTS.split(pattern)) if len(part) > 1]


def test_each_sentence_stands_in_the_code() -> None:
    sources = "\n".join(file.read_text() for file in (ROOT / "rider_core").rglob("*.py"))
    assert len(patterns()) > 20
    lost = {pattern: [it for it in literals(pattern) if it not in sources] for pattern in patterns()}
    assert {pattern: lacking for pattern, lacking in lost.items() if lacking} == {}
