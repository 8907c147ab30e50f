"""What `rider run` refuses before it asks for anything."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

run = import_module("rider_core.cli.run")


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.Services, "open", lambda *_, **__: pytest.fail("it has begun"))


def refusal(*arguments: str) -> str:
    result = CliRunner().invoke(run.run, ["voice.synthesize", "hello", *arguments])
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


def test_a_missing_folder_for_the_sound(tmp_path: Path) -> None:
    told = refusal("--output", str(tmp_path / "nowhere" / "a.wav"))
    assert "--output" in told
    assert "there is no folder" in told
    assert "make it first" in told


@pytest.mark.parametrize("seconds", ["nan", "0", "-3", "-inf", "inf", "1e9", "soon", ""])
def test_a_time_that_is_none(seconds: str) -> None:
    assert "Invalid value for '--timeout'" in refusal("--timeout", seconds)
