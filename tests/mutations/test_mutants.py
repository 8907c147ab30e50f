"""The mutants fit the current code."""

from __future__ import annotations

import builtins
import dis
import re
from collections import Counter
from functools import cache
from pathlib import Path
from types import CodeType

import pytest
from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = [path.read_text() for path in (ROOT / "rider_core/testing").rglob("*.py")]


@cache
def text_of(file: str) -> str:
    return (ROOT / file).read_text()


def test_each_can_be_applied_in_one_place() -> None:
    found = {mutant.name: text_of(mutant.file).count(mutant.old) for mutant in MUTANTS}
    assert {name: times for name, times in found.items() if times != 1} == {}
    assert [mutant.name for mutant in MUTANTS if mutant.new == mutant.old] == []


def test_their_tests_exist() -> None:
    assert {mutant.name: lacking for mutant in MUTANTS if (lacking := lacking_tests(mutant))} == {}


def lacking_tests(mutant: Mutant) -> list[str]:
    file, words = mutant.test
    # A test may be inherited from a contract.
    texts = [text_of(file), *CONTRACTS]
    names = [word for word in re.findall(r"\w+", words) if word not in ("and", "or", "not")]
    return [name for name in names if not any(name in text for text in texts)]


@pytest.mark.acceptance  # compiles 400 files
def test_they_use_defined_names() -> None:
    """A NameError would make any test fail."""
    in_python = [mutant for mutant in MUTANTS if mutant.file.endswith(".py")]
    assert {mutant.name: new for mutant in in_python if (new := new_undefined_names(mutant))} == {}


def new_undefined_names(mutant: Mutant) -> set[str]:
    mutated = text_of(mutant.file).replace(mutant.old, mutant.new, 1)
    return undefined_names(compile(mutated, mutant.file, "exec")) - undefined_names_before(mutant.file)


@cache
def undefined_names_before(file: str) -> set[str]:
    return undefined_names(compile(text_of(file), file, "exec"))


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
