"""Tables on a narrow terminal: values are wrapped, and none is left out."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table

from rider_core.cli.main import cli
from rider_core.cli.tables import print_table
from rider_core.config import Settings, variable_of
from rider_core.database import Database
from rider_core.prompts import BUILT_IN


class Terminal(io.StringIO):
    """A terminal of 40 or 64 characters."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._monkeypatch = monkeypatch

    def show(self, what: Callable[[], object]) -> list[str]:
        """The text of each column that is printed, without blanks."""
        with self._monkeypatch.context() as patch:  # pytest puts its own back between a fixture and its test
            patch.setattr(sys, "stdout", self)
            what()
        return self._columns()

    def isatty(self) -> bool:
        return True

    def _columns(self) -> list[str]:
        text = re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue())
        assert "\u2026" not in text, "a value was truncated"
        rows = [re.split("[│┃]", line)[1:-1] for line in text.splitlines() if line[:1] in ("│", "┃")]
        return ["".join("".join(cells).split()) for cells in zip(*rows, strict=True)]


@pytest.fixture(params=[40, 64])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("TERM", "xterm")
    return Terminal(monkeypatch)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIDER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RIDER_SAFE_MODE", "true")
    monkeypatch.setattr("rider_core.cli.main.set_up_logging", lambda *_: None)
    database = Database(Settings().database_location)
    database.upgrade()
    database.close()


@pytest.mark.parametrize("count", [3, 9, 11, 20])
def test_every_value_is_there(terminal: Terminal, count: int) -> None:
    values = [f"{number}-{'abcdefgh' * 3}" for number in range(count)]
    table = Table(*(f"column {number}" for number in range(count)))
    table.add_row(*values)
    text = " ".join(terminal.show(lambda: print_table(table)))
    assert [value for value in values if value not in text] == []
    assert [number for number in range(count) if f"column{number}" not in text] == []


@pytest.mark.usefixtures("database")
def test_settings(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIDER_MODEL_PATH", "/srv/a-folder-of-some-length/that-has-to-be-copied-and-not-typed-again")
    names, values, origins, variables, _ = terminal.show(lambda: cli.main(["config", "show"], standalone_mode=False))
    for name in Settings.model_fields:
        assert name in names
        assert variable_of(name) in variables
    assert "/srv/a-folder-of-some-length/that-has-to-be-copied-and-not-typed-again" in values
    assert str(Settings().data_dir) in values
    assert "RIDER_MODEL_PATH" in origins
    assert "default" in origins


@pytest.mark.usefixtures("database")
def test_prompts(terminal: Terminal) -> None:
    shown = terminal.show(lambda: cli.main(["prompts", "list"], standalone_mode=False))[-1]
    for texts in BUILT_IN.values():
        for text in texts.values():
            assert "".join(text.split()) in shown
