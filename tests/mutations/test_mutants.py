"""The mutants fit the current code."""

from __future__ import annotations

import builtins
import dis
import re
from collections import Counter
from pathlib import Path
from types import CodeType

import pytest
from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = [path.read_text() for path in (ROOT / "rider_core/testing").rglob("*.py")]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_can_be_applied(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    assert text.count(mutant.old) == 1, f"{mutant.file} has it {text.count(mutant.old)} times"
    assert mutant.new != mutant.old


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_its_tests_exist(mutant: Mutant) -> None:
    file, words = mutant.test
    # A test may be inherited from a contract.
    texts = [(ROOT / file).read_text(), *CONTRACTS]
    names = [word for word in re.findall(r"\w+", words) if word not in ("and", "or", "not")]
    assert [name for name in names if not any(name in text for text in texts)] == []


@pytest.mark.parametrize("mutant", [it for it in MUTANTS if it.file.endswith(".py")], ids=lambda mutant: mutant.name)
def test_it_uses_defined_names(mutant: Mutant) -> None:
    """A NameError would make any test fail."""
    text = (ROOT / mutant.file).read_text()
    mutated = compile(text.replace(mutant.old, mutant.new, 1), mutant.file, "exec")
    assert undefined_names(mutated) - undefined_names(compile(text, mutant.file, "exec")) == set()


def undefined_names(module: CodeType) -> set[str]:
    """Global names that the module reads and does not assign."""
    read, assigned, waiting = set(), set(dir(builtins)), [module]
    while waiting:
        code = waiting.pop()
        waiting += [const for const in code.co_consts if isinstance(const, CodeType)]
        for instruction in dis.get_instructions(code):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                read.add(instruction.argval)
            elif instruction.opname in ("STORE_GLOBAL", "STORE_NAME"):
                assigned.add(instruction.argval)
    return read - assigned


def test_each_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(each.name for each in MUTANTS).items() if count > 1] == []
