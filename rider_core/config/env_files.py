"""`.env` files: variables for people who do not want to set them in a shell.

Read from the current folder, then from the data folder. What the environment has already is kept, under whatever name
of the same setting. Only variables of Rider-PC and of what it uses are taken: another project's `.env` in the current
folder must change neither the search path of programs nor our database.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from dotenv.parser import parse_stream

from rider_core.errors import ConfigError
from rider_core.printable import without_secrets

NAME = ".env"
#: Maximum size of a file: it has a page of variables.
MAX_BYTES = 256 * 1024
#: Beginnings of the variables that only we have, and whole names.
OUR_PREFIXES, OUR_NAMES = ("RIDER_", "DASHBOARD_"), frozenset({"TASK_QUEUE_BACKEND", "ENABLE_WEB_DASHBOARD"})
#: Those that other projects have as well: taken from a file that has one of ours, or lies in the data folder.
COMMON_PREFIXES, COMMON_NAMES = ("REDIS_", "RABBITMQ_", "OTEL_"), frozenset({"DATABASE_URL", "OLLAMA_HOST"})

#: Variable to the file that has set it in this process, and the value.
_set_by: dict[str, tuple[Path, str]] = {}


class Line(NamedTuple):
    """One assignment of a file."""

    number: int
    name: str
    value: str


def is_ours_alone(name: str) -> bool:
    """Whether no other project has a variable of this name."""
    return name.startswith(OUR_PREFIXES) or name in OUR_NAMES


def is_read(name: str) -> bool:
    """Whether a file may set this variable."""
    return is_ours_alone(name) or name.startswith(COMMON_PREFIXES) or name in COMMON_NAMES


def read_env_file(path: Path) -> list[Line]:
    """The assignments of a file, those of other projects included; empty: there is no such file.

    Raises:
        ConfigError: it cannot be read, or a line with a variable that we read cannot be understood.
    """
    try:
        try:
            if not path.is_file():
                return []
        except PermissionError:  # of the folder: what needs it says so
            return []
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} has more than {MAX_BYTES} bytes: this is not a file with settings")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not written in UTF-8", remedy="save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", remedy="check its owner and mode") from None
    lines = []
    for binding in parse_stream(io.StringIO(text)):
        words = binding.original.string.strip()
        # An assignment begins with the blank lines before it.
        before = binding.original.string.partition(words)[0] if words else ""
        number = binding.original.line + before.count("\n")
        name = binding.key or words.removeprefix("export ").lstrip().partition("=")[0].split(" ")[0]
        if binding.error or (binding.key and binding.value is None) or "\0" in words:
            if is_read(name):
                raise ConfigError(
                    f"{path}, line {number}: this is no assignment: {without_secrets(words)[:40]!r}",
                    remedy=f"write {name}=VALUE, and close quotation marks",
                )
        elif binding.key:
            lines.append(Line(number, binding.key, binding.value or ""))
    return lines


def apply_env_file(folder: Path, same_setting: Mapping[str, Iterable[str]], is_data_folder: bool) -> None:
    """Set the variables of the folder's `.env` that the environment lacks. Raises `ConfigError`.

    Args:
        same_setting: Variable to all names of its setting: where one of them is set already, the file's is not.
    """
    path = folder / NAME
    lines = read_env_file(path)
    is_ours = is_data_folder or any(is_ours_alone(line.name) for line in lines)
    # A blank variable counts as not set.
    set_before = {name for name, value in os.environ.items() if value.strip()}
    for line in lines:
        taken = is_read(line.name) and (is_ours or is_ours_alone(line.name))
        if taken and set_before.isdisjoint((line.name, *same_setting.get(line.name, ()))):
            os.environ[line.name] = line.value
            _set_by[line.name] = path, line.value


def file_that_set(name: str) -> Path | None:
    """The `.env` file from which this process has a variable; None: it was set otherwise, or not at all."""
    path, value = _set_by.get(name, (None, ""))
    return path if os.environ.get(name) == value else None


def line_in_env_file(path: Path, name: str) -> int | None:
    """The line that sets a variable; None: not found."""
    try:
        return next((line.number for line in read_env_file(path) if line.name == name), None)
    except ConfigError:
        return None
