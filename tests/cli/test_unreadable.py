"""A data folder that this user may not read, or a file in its place: the error names the folder."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from rider_core.cli.main import cli
from rider_core.errors import ConfigError, RiderError
from rider_core.runtime.data_folder import check_data_folder, make_data_folder

COMMANDS = ["doctor", "up", "run text.generate hello", "models list", "prompts list", "db upgrade", "queue stats"]
#: The id of the user `nobody`. The tests run as this user, because root may read every file.
UNPRIVILEGED_UID = 65534


@contextmanager
def as_unprivileged_user() -> Iterator[None]:
    """Switch to `UNPRIVILEGED_UID` if this process is root's."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(UNPRIVILEGED_UID, UNPRIVILEGED_UID, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the unprivileged user can reach; pytest's own folders are root's only."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run").mkdir()
        if os.geteuid() == 0:
            for path in (folder, folder / "run"):
                os.chown(path, UNPRIVILEGED_UID, UNPRIVILEGED_UID)
        yield folder
        for path in (folder, folder / "run"):
            path.chmod(0o700)


@pytest.mark.parametrize(("name", "mode"), [("", 0), ("", 0o300), ("run", 0), ("run", 0o300)])
def test_the_folder_is_named(folder: Path, name: str, mode: int) -> None:
    (folder / name).chmod(mode)
    with as_unprivileged_user():
        for check in (make_data_folder, check_data_folder):
            with pytest.raises(ConfigError, match=rf"folder {folder / name} cannot be (looked into|written to)"):
                check(folder)


def test_every_command_names_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rider_core.cli.main.set_up_logging", lambda *_: None)
    for variable in ("RIDER_CONFIG", "REDIS_URL", "DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("RIDER_SAFE_MODE", "true")
    file = folder / "a file"
    file.touch()
    for command in COMMANDS:  # once as root: the other user may be unable to import
        rider(command, file)
    folder.chmod(0)
    with as_unprivileged_user():
        for command in COMMANDS:
            output = rider(command, folder)
            assert f"{folder / 'rider.toml'} cannot be read: Permission denied" in output, command
            assert len(output.splitlines()) <= 2, command


@pytest.mark.parametrize("name", ["data", "my data"])
@pytest.mark.parametrize(
    ("place", "commands"), [("", ["doctor", "redis", "up"]), ("redis", ["doctor", "redis", "up"]), ("run", ["up"])]
)
def test_a_file_in_the_place_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str, commands: list[str]
) -> None:
    """With a name that sockets cannot have ("my data"), the sockets are in another folder, and cause no error."""
    monkeypatch.setattr("rider_core.cli.main.set_up_logging", lambda *_: None)
    for variable in ("RIDER_CONFIG", "REDIS_URL", "DATABASE_URL", "RIDER_PI_HOST"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in (("SAFE_MODE", "true"), ("ROBOT", "none"), ("WEB_PORT", "0"), ("LINK_PORT", "0")):
        monkeypatch.setenv(f"RIDER_{variable}", value)
    for function in ("execv", "execve"):
        monkeypatch.setattr(os, function, lambda *_: pytest.fail("it went on"))
    file = tmp_path / name / place
    file.parent.mkdir(exist_ok=True)
    file.touch()
    for command in commands:
        output = rider(command, tmp_path / name)
        assert re.search(rf"{re.escape(str(file))} (is a file|(for sockets )?cannot be made)", output), command


def rider(command: str, folder: Path) -> str:
    """Output and error of a command; anything but one of our errors or a plain end fails the test."""
    result = CliRunner().invoke(cli, command.split(), env={"RIDER_DATA_DIR": str(folder)})
    if isinstance(result.exception, RiderError):
        return f"{result.output}{result.exception}"
    assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
    return result.output
