"""Loads the settings of a process, and converts validation errors to sentences."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from rider_core.config.env_files import apply_env_file, file_that_set, line_in_env_file
from rider_core.config.file import config_file, data_folder, line_of
from rider_core.config.settings import Settings, variable_of, variables_of
from rider_core.errors import ConfigError
from rider_core.printable import is_secret, without_secrets

#: Variables that are read elsewhere than in `Settings`.
OTHER_PROCESS_VARIABLES = ("RIDER_CONFIG", "RIDER_PROCESS", "RIDER_SUPERVISOR_PID")
#: Prefix of the tests' own variables.
_TESTS = "RIDER_TEST_"
_MAX_SHOWN = 80


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process.

    Raises:
        ConfigError: a value is wrong. The message names the setting, the value and its source.
    """
    _apply_env_files()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise _wrong_value(error.errors(include_url=False)[0]) from None
    except SettingsError:
        raise _no_json() from None


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each variable `RIDER_...` that is not a setting."""
    known = {it for name in Settings.model_fields for it in variables_of(name)} | set(OTHER_PROCESS_VARIABLES)
    unknown = sorted(name for name in environment if name.startswith("RIDER_") and not name.startswith(_TESTS))
    return [f"there is no setting {name}{did_you_mean(name, known)}" for name in unknown if name not in known]


def origin_of(name: str) -> str:
    """Where a setting's value comes from: a variable, a file with its line, or "default"."""
    names = (*variables_of(name), *(("REDIS_HOST",) if name == "redis_url" else ()))
    variable = next((it for it in names if os.environ.get(it, "").strip()), None)
    if variable is not None:
        path = file_that_set(variable)
        return _place(path, line_in_env_file(path, variable)) if path else variable
    file = config_file()
    alias = Settings.model_fields[name].alias
    line = line_of(file, name) or (line_of(file, alias) if alias else None)
    return _place(file, line) if line else "default"


def _apply_env_files() -> None:
    same = {it: variables_of(name) for name in Settings.model_fields for it in variables_of(name)}
    # Its other form: the host decides, and the other parts only matter with it.
    same["REDIS_HOST"] = same["REDIS_URL"] = same["RIDER_REDIS_URL"] = (*variables_of("redis_url"), "REDIS_HOST")
    with suppress(FileNotFoundError):  # the current folder is gone
        apply_env_file(Path.cwd(), same, is_data_folder=False)
    apply_env_file(data_folder(), same, is_data_folder=True)


def _place(path: Path, line: int | None) -> str:
    return f"{path}, line {line}" if line else str(path)


def _wrong_value(problem: Mapping[str, Any]) -> ConfigError:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return ConfigError(message)
    name = str(problem["loc"][0])
    field = next((it for it, info in Settings.model_fields.items() if name in (it, info.alias)), name)
    path = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        file = config_file()
        line = line_of(file, name)
        where = f"{file}, line {line}" if line else f"{file}"
        return ConfigError(
            f"{where}: there is no setting {name}{did_you_mean(name, Settings.model_fields)}",
            remedy="rider config show lists all",
        )
    shown = "hidden" if is_secret(path) else shown_value(problem["input"])
    where, remedy = _source(field)
    return ConfigError(f"{where}: setting {path} is {shown}: {message[:1].lower()}{message[1:]}", remedy=remedy)


def _no_json() -> ConfigError:
    """The error for a variable that is not JSON: pydantic-settings names neither the variable nor its value."""
    for name, example in _EXAMPLES.items():
        variable = variable_of(name)
        value = os.environ.get(variable)
        if value and value.strip() and not _is_json(value):
            return ConfigError(
                f"{variable} is {shown_value(value)}, which is not a JSON object", remedy=f"{variable}='{example}'"
            )
    return ConfigError("a setting that holds JSON cannot be read", remedy=f"see {', '.join(_EXAMPLES)}")


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


#: Settings that are JSON in the environment, each with an example.
_EXAMPLES = {
    "providers": '{"text_to_speech": "espeak"}',
    "provider_settings": '{"whisper": {"language": "pl"}}',
}


def _source(name: str) -> tuple[str, str]:
    """The source of a setting's value, and the remedy."""
    origin = origin_of(name)
    if origin == "default":
        return "the settings", f"set {variable_of(name)}, or {name} in {config_file()}"
    if origin in variables_of(name):
        return origin, f"set {origin} to another value, or unset it"
    return origin, "correct it there"


def shown_value(value: object) -> str:
    """A wrong value as a message shows it."""
    text = without_secrets(repr(value))
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ ", did you mean ...?" with the known name that is most similar to an unknown one; empty: none is."""
    names = list(known)
    # People also write the name of the variable in the file.
    plain = name.lower().removeprefix("rider_").replace("-", "_")
    close = [plain] if plain in names else difflib.get_close_matches(name, names, n=1)
    return f", did you mean {close[0]}?" if close else ""
