"""Fails where a name of `docs/renamed.md` is used again: as an identifier of Python or Lua, a file, or a key of Redis.

    python check_names.py [ROOT]

Words in comments, docstrings and other texts are not looked at: many old names are common English words.
"""

from __future__ import annotations

import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path("docs") / "renamed.md"
FOLDERS = ("rider_core", "plugins", "tests", "bench", "contrib", "migrations", "web")
_ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| (?:`([^`]+)` )?\|$", re.MULTILINE)
_LUA_TEXT = re.compile(r"--[^\n]*|'[^'\n]*'|\"[^\"\n]*\"")
_WORD = re.compile(r"\w+")
_LEFT_OUT = ("node_modules", "build", "__pycache__")


@dataclass(frozen=True)
class Renamed:
    """A row of the table; `folder`: the only folder in which the old name is retired, empty: everywhere."""

    old: str
    new: str
    folder: str

    @property
    def is_path(self) -> bool:
        return "/" in self.old

    @property
    def is_redis_key(self) -> bool:
        return ":" in self.old

    def applies_to(self, file: str) -> bool:
        return not self.folder or file.startswith(f"{self.folder}/")


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    renamed = rows(root)
    if not renamed:
        sys.exit(f"{root / TABLE} has no rows that can be read")
    problems = [*paths_again(root, renamed), *identifiers_again(root, renamed), *keys_again(root, renamed)]
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


def rows(root: Path) -> list[Renamed]:
    return [Renamed(*row) for row in _ROW.findall((root / TABLE).read_text(encoding="utf-8"))]


def paths_again(root: Path, renamed: list[Renamed]) -> Iterator[str]:
    for row in renamed:
        if row.is_path and (root / row.old).exists():
            yield f"{row.old} is called {row.new} now"


def identifiers_again(root: Path, renamed: list[Renamed]) -> Iterator[str]:
    for file in sources(root):
        place = file.relative_to(root).as_posix()
        retired = {row.old: row.new for row in renamed if not row.is_path and row.applies_to(place)}
        for line, name in identifiers(file):
            if name in retired:
                yield f"{place}:{line}: {name} is called {retired[name]} now"


def keys_again(root: Path, renamed: list[Renamed]) -> Iterator[str]:
    """Keys and channels of Redis, in texts as well. The module that removes old keys may name them."""
    keys = [row for row in renamed if row.is_redis_key]
    for file in sources(root):
        place = file.relative_to(root).as_posix()
        if not file.name.endswith("old_keys.py"):
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                yield from (f"{place}:{number}: {row.old} is called {row.new} now" for row in keys if row.old in line)


def sources(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            parts = file.relative_to(root).parts
            if file.suffix in (".py", ".lua") and not any(part in _LEFT_OUT or part[0] == "." for part in parts):
                yield file


def identifiers(file: Path) -> Iterator[tuple[int, str]]:
    """Line and name of each identifier."""
    if file.suffix == ".py":
        with file.open("rb") as stream:
            for token in tokenize.tokenize(stream.readline):
                if token.type == tokenize.NAME:
                    yield token.start[0], token.string
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        for word in _WORD.findall(_LUA_TEXT.sub("", line)):
            yield number, word


if __name__ == "__main__":
    main()
