"""Checks a file with settings as a whole, before a process uses it: all its mistakes, not only the first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from rider_core.config.addresses import redis_url_of
from rider_core.config.env_files import Line, is_read, read_env_file
from rider_core.config.file import line_of, parse_file
from rider_core.config.loading import OTHER_PROCESS_VARIABLES, did_you_mean, shown_value
from rider_core.config.settings import Settings, variables_of
from rider_core.errors import ConfigError
from rider_core.printable import is_secret


class _FileAlone(Settings):
    """Settings with the given values and nothing else: neither the environment nor a file of this machine."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def check_file(path: Path) -> tuple[list[str], int]:
    """What is wrong in a file, and the number of its settings. A name that ends in `.toml` says that it is TOML."""
    try:
        if path.suffix == ".toml":
            return _check_toml(path)
        if not path.is_file():
            return [f"there is no file {path}"], 0
        return _check_env(path, read_env_file(path))
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


def _check_env(path: Path, lines: list[Line]) -> tuple[list[str], int]:
    fields = {variable: name for name in Settings.model_fields for variable in variables_of(name)}
    problems: list[str] = []
    values: dict[str, Any] = {}
    line_of_field: dict[str, int] = {}
    for line in lines:
        field = fields.get(line.name)
        if not is_read(line.name):
            problems.append(f"{path}, line {line.number}: {line.name} is no variable that is read from this file")
        elif field is None and line.name.startswith("RIDER_") and line.name not in OTHER_PROCESS_VARIABLES:
            problem = f"there is no setting {line.name}{did_you_mean(line.name, fields)}"
            problems.append(f"{path}, line {line.number}: {problem}")
        elif field is not None and line.value.strip():
            values[field], line_of_field[field] = _from_text(field, line.value), line.number
    parts = {line.name.lower(): line.value for line in lines if line.name.startswith("REDIS_") and line.value.strip()}
    if "redis_host" in parts:
        try:
            values.setdefault("redis_url", redis_url_of(parts))
        except ConfigError as error:
            problems.append(f"{path}: {error}")
    for name, problem in _problems(values).items():
        number = line_of_field.get(name)
        problems.append(f"{path}{f', line {number}' if number else ''}: {problem}")
    return problems, len(values)


def _problems(values: dict[str, Any]) -> dict[str, str]:
    """Setting to what is wrong with its value."""
    try:
        _FileAlone(**values)
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
