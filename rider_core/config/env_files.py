"""`.env` files: variables for people who do not want to set them in a shell.

Read from the current folder, then from the data folder. What the environment has already is kept, so a file never
overrides it. Only variables of Rider-PC and of what it uses are taken: another project's `.env` in the current folder
must not change the search path of programs.
"""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values

from rider_core.errors import ConfigError

NAME = ".env"
#: Maximum size of a file: it has a page of variables.
MAX_BYTES = 256 * 1024
#: Beginnings of the variables that are taken, and whole names.
PREFIXES = ("RIDER_", "REDIS_", "RABBITMQ_", "DASHBOARD_", "OTEL_")
NAMES = frozenset({"DATABASE_URL", "TASK_QUEUE_BACKEND", "ENABLE_WEB_DASHBOARD", "OLLAMA_HOST"})

#: Variable to the file that has set it in this process, and the value.
_set_by: dict[str, tuple[Path, str]] = {}


def is_ours(name: str) -> bool:
    """Whether a file may set this variable."""
    return name.startswith(PREFIXES) or name in NAMES


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a file that are ours; empty: there is no such file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        try:
            if not path.is_file():
                return {}
        except PermissionError:  # of the folder: what needs it says so
            return {}
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} has more than {MAX_BYTES} bytes: this is not a file with settings")
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not written in UTF-8", remedy="save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", remedy="check its owner and mode") from None
    return {name: value for name, value in values.items() if value is not None and is_ours(name)}


def apply_env_file(folder: Path) -> None:
    """Set the variables of the folder's `.env` that the environment lacks. Raises `ConfigError`."""
    path = folder / NAME
    for name, value in read_env_file(path).items():
        # A blank variable counts as not set.
        if not os.environ.get(name, "").strip():
            os.environ[name] = value
            _set_by[name] = path, value


def file_that_set(name: str) -> Path | None:
    """The `.env` file from which this process has a variable; None: it was set otherwise, or not at all."""
    path, value = _set_by.get(name, (None, ""))
    return path if os.environ.get(name) == value else None


def line_in_env_file(path: Path, name: str) -> int | None:
    """The line that sets a variable; None: not found."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        return None
    plain = (line.strip().removeprefix("export ").lstrip() for line in lines)
    return next((number for number, line in enumerate(plain, 1) if line.partition("=")[0].strip() == name), None)
