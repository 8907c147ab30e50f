"""Every command under every mistake in its settings: one sentence that names where it is, and no traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rider_core.cli.main import cli
from rider_core.errors import RiderError

#: Commands that read settings. Each ends if the settings are wrong.
COMMANDS = [
    "config show",
    "config set echo-text x=1",
    "config reset echo-text",
    "doctor",
    "models list",
    "models verify",
    "models pull nothing",
    "plugins list",
    "plugins check",
    "prompts list",
    "prompts show companion",
    "queue stats",
    "queue dead",
    "queue history",
    "schedule list",
    "schedule remove x",
    "schedule run x",
    "robot show",
    "db upgrade",
    "run text.generate hello",
    "up",
    "redis",
    "worker --burst",
    "scheduler",
    "link",
    "simulate",
    "announce",
]

Prepare = Callable[[Path, dict[str, str]], None]


def toml(content: bytes | str) -> Prepare:
    def prepare(data: Path, _environment: dict[str, str]) -> None:
        data.mkdir()
        (data / "rider.toml").write_bytes(content if isinstance(content, bytes) else content.encode())

    return prepare


def variable(**values: str) -> Prepare:
    return lambda _data, environment: environment.update(values)


def config_is_a_folder(data: Path, environment: dict[str, str]) -> None:
    data.mkdir()
    environment["RIDER_CONFIG"] = str(data)


def config_is_below_a_file(data: Path, environment: dict[str, str]) -> None:
    data.mkdir()
    (data / "file").touch()
    environment["RIDER_CONFIG"] = str(data / "file" / "rider.toml")


def a_pipe(data: Path, _environment: dict[str, str]) -> None:
    data.mkdir()
    os.mkfifo(data / "rider.toml")


#: Name to its preparation, and the texts that the error must have.
MISTAKES: dict[str, tuple[Prepare, tuple[str, ...]]] = {
    "syntax": (toml('web_port = 8000\nlanguage = pl"\n'), ("rider.toml", "line 2")),
    "a key twice": (toml("web_port = 1\nweb_port = 2\n"), ("rider.toml", "line 2", "web_port")),
    "curly quotes": (toml("language = \u201cpl\u201d\n"), ("rider.toml", "line 1", "straight quotation marks")),
    "UTF-16": (toml("web_port = 8000\n".encode("utf-16")), ("rider.toml", "UTF-16")),
    "Latin-2": (toml("pi_host = 'ż'\n".encode("iso8859-2")), ("rider.toml", "line 1", "UTF-8")),
    "unknown setting": (toml("\nweb_prot = 8000\n"), ("rider.toml", "line 2", "web_prot", "did you mean web_port?")),
    "wrong value": (toml("[providers]\n\nspeech = 'whisper'\n"), ("rider.toml", "speech")),
    "too deep": (toml("a = " + "[" * 50_000), ("rider.toml",)),
    "no JSON": (variable(RIDER_PROVIDERS="espeak"), ("RIDER_PROVIDERS", "'espeak'", "text_to_speech")),
    "broken JSON": (variable(RIDER_PROVIDER_SETTINGS='{"a": '), ("RIDER_PROVIDER_SETTINGS",)),
    "a number that is too large": (variable(RIDER_WEB_PORT="99999"), ("RIDER_WEB_PORT", "99999")),
    "no number": (variable(RIDER_WORKERS="two"), ("RIDER_WORKERS", "'two'")),
    "a file that is not there": (variable(RIDER_CONFIG="/nowhere/rider.toml"), ("RIDER_CONFIG", "/nowhere/rider.toml")),
    "a pipe for a file": (a_pipe, ("rider.toml", "is a pipe")),
    "an unknown home folder": (variable(RIDER_CONFIG="~no-such-user/x"), ("RIDER_CONFIG", "'~no-such-user/x'")),
    "an address with its port": (variable(RIDER_PI_HOST="10.0.0.7:8080"), ("RIDER_PI_HOST", "10.0.0.7:8080")),
    "a folder for a file": (config_is_a_folder, ("is a folder",)),
    "a file for a folder": (config_is_below_a_file, ("file/rider.toml", "there is no such file")),
    "what cannot be read": (variable(RIDER_CONFIG="/proc/self/mem"), ("/proc/self/mem cannot be read: ",)),
}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in [name for name in os.environ if name.startswith(("RIDER_", "REDIS_", "DATABASE_", "TASK_QUEUE"))]:
        monkeypatch.delenv(name)
    # It would be the log of all tests behind this one.
    monkeypatch.setattr("rider_core.cli.main.set_up_logging", lambda *_: None)
    monkeypatch.setattr("rider_core.cli.simulate.observe_process", lambda *_: None)
    monkeypatch.setattr("rider_core.cli.process_start.observe_process", lambda *_: None)
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("the command went on"))
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("the command went on"))
    return {"RIDER_DATA_DIR": str(tmp_path / "data"), "RIDER_PLUGINS_DISABLED": ""}


def output_of(environment: dict[str, str], command: str) -> str:
    """Output and error of a command; anything but one of our errors or a plain end fails the test."""
    result: Any = CliRunner().invoke(cli, command.split(), env=environment)
    if isinstance(result.exception, RiderError):
        return f"{result.output}{result.exception}"
    assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
    assert "Traceback" not in result.output
    return str(result.output)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_it_is_one_sentence_from_every_command(tmp_path: Path, environment: dict[str, str], mistake: str) -> None:
    prepare, named = MISTAKES[mistake]
    prepare(tmp_path / "data", environment)
    for command in COMMANDS:
        output = output_of(environment, command)
        for part in named:
            assert part in output, command
        assert "pydantic" not in output
        assert len(output.splitlines()) <= 4, command


def test_a_byte_order_mark_is_ignored(tmp_path: Path, environment: dict[str, str]) -> None:
    toml(b"\xef\xbb\xbfweb_port = 8123\n")(tmp_path / "data", environment)
    assert output_of(environment, "config show web_port").strip() == "8123"


def test_a_file_in_the_data_folders_place(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "data").write_text("a file")
    for command in ("doctor", "up", "run text.generate hello", "redis", "queue history", "db upgrade"):
        output = output_of(environment, command)
        assert str(tmp_path / "data") in output, command
        assert "is a file" in output or "cannot be" in output, command


def test_a_pipe_in_the_databases_place(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    os.mkfifo(tmp_path / "data" / "rider.db")
    assert "Rider" in output_of(environment, "prompts show companion"), "the built-in prompt"
    for command in ("prompts list", "db upgrade", "run text.generate hello", "up", "doctor"):
        output = output_of(environment, command)
        assert str(tmp_path / "data" / "rider.db") in output, command
        assert "is a pipe" in output, command
