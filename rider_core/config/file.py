"""Finds and parses `rider.toml`. Errors name the file and the line."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import platformdirs

from rider_core.errors import ConfigError
from rider_core.printable import without_secrets

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

#: Maximum size of the file: settings are a page or two.
MAX_BYTES = 1024 * 1024
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
#: Quotation marks of word processors.
_CURLY = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f"


def default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("rider-pc", appauthor=False))


def data_folder() -> Path:
    """`RIDER_DATA_DIR`, or the usual one. Raises `ConfigError` as `config_file` does."""
    folder = _variable("RIDER_DATA_DIR")
    return _at_home("RIDER_DATA_DIR", folder) if folder else default_data_dir()


def config_file() -> Path:
    """`RIDER_CONFIG`, or `rider.toml` in the data folder.

    Raises:
        ConfigError: the path has the home folder of an unknown user (`~name`).
    """
    if named := _variable("RIDER_CONFIG"):
        return _at_home("RIDER_CONFIG", named)
    return data_folder() / "rider.toml"


def read_file() -> dict[str, Any]:
    """The content of the file; empty if there is no file and `RIDER_CONFIG` is not set.

    Raises:
        ConfigError: the file cannot be read or parsed.
    """
    path = config_file()
    try:
        return parse_file(path)
    except (FileNotFoundError, NotADirectoryError):
        if _variable("RIDER_CONFIG"):
            raise ConfigError(
                f"RIDER_CONFIG is {str(path)!r}, and there is no such file", remedy="create it, or unset RIDER_CONFIG"
            ) from None
        return {}


def parse_file(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such file.
        ConfigError: it cannot be read or parsed.
    """
    try:
        if path.is_fifo():  # opening it would block until a process writes
            raise ConfigError(f"{path} is a pipe, not a file with settings", remedy="make it a file, or remove it")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except IsADirectoryError:
        raise ConfigError(
            f"{path} is a folder, not a file with settings", remedy=f"name {path / 'rider.toml'}"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", remedy="check its owner and mode") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path} has more than {MAX_BYTES} bytes: this is not a settings file")
    return _parsed(path, content)


def line_of(path: Path, name: str, table: str = "") -> int | None:
    """The line that sets `name`, in the whole file or below the header of `table`; None: not found, or not readable."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        return None
    head = f"[{table}]"
    start = next((number for number, line in enumerate(lines, 1) if line.strip() == head), 0) if table else 0
    pattern = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(name)}[\"']?\s*[=.\]]")
    return next((number for number, line in enumerate(lines[start:], start + 1) if pattern.match(line)), None)


def _variable(name: str) -> str:
    """The variable's value; empty if it is not set, or blank."""
    value = os.environ.get(name, "")
    return value if value.strip() else ""


def _at_home(variable: str, named: str) -> Path:
    try:
        return Path(named).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"{variable} is {named!r}, and there is no such user's home folder", remedy="write the whole path"
        ) from None


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    coding = _BYTE_ORDER_MARKS.get(content[:2]) or ("UTF-16" if b"\0" in content[:4] else "")
    if coding:
        raise ConfigError(f"{path} is written in {coding}", remedy="save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is no UTF-8", remedy="save it as UTF-8"
        ) from None
    try:
        values: dict[str, Any] = tomllib.loads(text)
        return values
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        found = re.match(r"line (\d+)", place)
        number = int(found[1]) if found else len(text.splitlines())
        words = text.splitlines()[number - 1].strip() if text.splitlines() else ""
        remedy = "write texts between straight quotation marks" if set(_CURLY) & set(words) else None
        raise ConfigError(
            f"{path}, line {number}: {message[:1].lower()}{message[1:]}: {without_secrets(words)[:80]}",
            remedy=remedy or 'a setting is written name = value, a text as "text"',
        ) from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply: this is not a settings file") from None
