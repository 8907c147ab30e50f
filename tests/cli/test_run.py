"""Arguments that `rider run` refuses before the job is submitted."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

run = import_module("rider_core.cli.run")


@pytest.fixture(autouse=True)
def no_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.Services, "open", lambda *_, **__: pytest.fail("the services were opened"))


def refusal(*arguments: str) -> str:
    result = CliRunner().invoke(run.run, ["voice.synthesize", "hello", *arguments])
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


def test_a_missing_folder_for_the_sound(tmp_path: Path) -> None:
    output = refusal("--output", str(tmp_path / "nowhere" / "a.wav"))
    assert "--output" in output
    assert "there is no folder" in output
    assert "make it first" in output


@pytest.mark.parametrize("seconds", ["nan", "0", "-3", "-inf", "inf", "1e9", "soon", ""])
def test_a_malformed_timeout_is_refused(seconds: str) -> None:
    assert "Invalid value for '--timeout'" in refusal("--timeout", seconds)
