"""The list of changes has words for each action that the audit log records."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rider_core.web.access.audit import NOT_RECORDED

ROOT = Path(__file__).parents[2]
#: Written by the restore, which is a command and not a route.
OF_COMMANDS = {"restore_backup"}


def changing_operations() -> set[str]:
    """Names of the route functions whose method changes something."""
    found = set()
    for file in (ROOT / "rider_core" / "web" / "rest").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                is_route = isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") == "operation"
                if is_route and ast.literal_eval(decorator.args[0]) != "GET":
                    found.add(node.name)
    return found


@pytest.mark.parametrize("language", ["en", "pl"])
def test_every_recorded_action_has_words(language: str) -> None:
    text = (ROOT / "web" / "src" / "words" / language / "system.ts").read_text()
    (actions,) = re.findall(r"^    actions: \{\n(.*?)^    \}", text, re.MULTILINE | re.DOTALL)
    words = set(re.findall(r'(\w+): "', actions))
    assert len(changing_operations()) > 30
    assert words == (changing_operations() - NOT_RECORDED) | OF_COMMANDS
