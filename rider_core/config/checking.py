"""Checks a file with settings as a whole, before a process uses it: all its mistakes, not only the first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from rider_core.config.env_files import is_ours, line_in_env_file, read_env_file
from rider_core.config.file import line_of, parse_file
from rider_core.config.loading import did_you_mean, shown_value
from rider_core.config.settings import Settings, variables_of
from rider_core.errors import ConfigError
from rider_core.printable import is_secret


def check_file(path: Path) -> tuple[list[str], int]:
    """What is wrong in a file, and the number of its settings. A name that ends in `.toml` says that it is TOML."""
    try:
        if path.suffix == ".toml":
            return _check_toml(path)
        if not path.is_file():
            return [f"there is no file {path}"], 0
        return _check_env(path)
    except (FileNotFoundError, NotADirectoryError):
        return [f"there is no file {path}"], 0
    except ConfigError as error:
        return [str(error)], 0


def _check_toml(path: Path) -> tuple[list[str], int]:
    values = parse_file(path)
    known = {name: value for name, value in values.items() if not (isinstance(value, str) and not value.strip())}
    problems = []
    for name, problem in _problems(known).items():
        line = line_of(path, name)
        problems.append(f"{path}{f', line {line}' if line else ''}: {problem}")
    return problems, len(values)


def _check_env(path: Path) -> tuple[list[str], int]:
    fields = {variable: name for name in Settings.model_fields for variable in variables_of(name)}
    problems: list[str] = []
    values: dict[str, Any] = {}
    variable_of_field: dict[str, str] = {}
    for variable, text in read_env_file(path).items():
        field = fields.get(variable)
        if field is None:
            if variable.startswith("RIDER_"):
                problems.append(_at(path, variable, f"there is no setting {variable}{did_you_mean(variable, fields)}"))
        elif text.strip():
            values[field], variable_of_field[field] = _from_text(field, text), variable
    for name in dotenv_values(path, interpolate=False, encoding="utf-8-sig"):
        if not is_ours(name):
            problems.append(_at(path, name, f"{name} is no variable of Rider-PC, and is not read from this file"))
    for name, problem in _problems(values).items():
        problems.append(_at(path, variable_of_field.get(name, name), problem))
    return problems, len(values)


def _problems(values: dict[str, Any]) -> dict[str, str]:
    """Setting to what is wrong with its value."""
    try:
        Settings(**values)
    except ValidationError as error:
        found = {}
        for problem in error.errors(include_url=False):
            path = ".".join(map(str, problem["loc"]))
            name = path.partition(".")[0]
            if problem["type"] == "extra_forbidden":
                found[name] = f"there is no setting {name}{did_you_mean(name, Settings.model_fields)}"
                continue
            message = str(problem["msg"]).removeprefix("Value error, ")
            if not path:
                found[""] = message
                continue
            shown = "hidden" if is_secret(path) else shown_value(problem["input"])
            found[name] = f"setting {path} is {shown}: {message[:1].lower()}{message[1:]}"
        return found
    return {}


def _from_text(field: str, text: str) -> Any:
    """A variable's text as the model takes it: JSON for the settings that are objects."""
    if field not in ("providers", "provider_settings"):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _at(path: Path, name: str, problem: str) -> str:
    line = line_in_env_file(path, name)
    return f"{path}{f', line {line}' if line else ''}: {problem}"
