"""Annotated example files of all settings, made from the model: `.env.example` and `rider.example.toml`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic_core import PydanticUndefined

from rider_core.config.settings import OTHER_VARIABLES, Settings, variable_of

#: The first setting of each group to its heading.
GROUPS = {
    "data_dir": "Data, Redis, database, queue",
    "robot": "The robot",
    "link_port": "The link: the robot's way to this PC",
    "web_enabled": "The panel",
    "workers": "Workers and their engines",
    "camera_fov_deg": "Vision",
    "robot_prompt": "Conversation",
    "providers": "Providers and plugins",
    "log_level": "Logs",
}
#: Settings whose default depends on the machine.
_OF_THE_MACHINE = {
    "data_dir": "the user's data folder",
    "worker_memory_mb": "half of the memory",
    "threads": "the number of processor cores",
}
_WIDTH = 100
#: Variables of the plugin rider-queue-rabbitmq, which checks them itself.
RABBITMQ = tuple(f"RABBITMQ_{name}" for name in ("HOST", "PORT", "VHOST", "USER", "PASSWORD"))
_REDIS_PARTS = ("REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_PASSWORD")


def env_example() -> str:
    """The text of `.env.example`: every variable, commented out, with its default."""
    head = (
        "Copy this file to `.env` in the folder in which you start Rider-PC, or in its data folder, and remove the # "
        "before what you set. What the environment has already counts more; rider.toml counts less."
    )
    lines = [*_comment(head), ""]
    for name, title in _with_titles():
        lines += [*title, *_comment(_about(name))]
        lines += [f"#{variable_of(name)}={_env_value(name)}"]
        lines += [f"# Its other name: {other}" for other in OTHER_VARIABLES.get(name, ())]
        if name == "redis_url":
            lines += ["# Instead of it, in parts:", *(f"#{part}=" for part in _REDIS_PARTS)]
        lines.append("")
    lines += [_title("RabbitMQ, with the plugin rider-queue-rabbitmq"), "", *(f"#{name}=" for name in RABBITMQ)]
    return "\n".join(lines).rstrip() + "\n"


def toml_example() -> str:
    """The text of `rider.example.toml`: every setting, commented out, with its default."""
    head = (
        "Copy this file to rider.toml in the data folder (`rider config show data_dir`), or name it in RIDER_CONFIG, "
        "and remove the # before what you set. Environment variables and .env files count more."
    )
    lines = [*_comment(head), ""]
    for name, title in _with_titles():
        lines += [*title, *_comment(_about(name)), f"#{name} = {_toml_value(name)}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _with_titles() -> Iterator[tuple[str, list[str]]]:
    """Each setting, with the lines of its group's heading where it is the first."""
    for name in Settings.model_fields:
        title = GROUPS.get(name)
        yield name, [_title(title), ""] if title else []


def _title(text: str) -> str:
    return f"# ---- {text} ".ljust(_WIDTH, "-")


def _about(name: str) -> str:
    """A setting in words: what it is, its range or choices, and a default that depends on the machine."""
    info = Settings.model_fields[name]
    bounds = {type(it): it for it in info.metadata}
    low = bounds[Ge].ge if Ge in bounds else bounds[Gt].gt if Gt in bounds else None
    high = bounds[Le].le if Le in bounds else bounds[Lt].lt if Lt in bounds else None
    parts = [str(info.description)]
    if low is not None and high is not None:
        parts.append(f"from {low} to {high}" if Ge in bounds else f"more than {low}, up to {high}")
    if choices := _choices(info.annotation):
        parts.append(f"one of {', '.join(choices)}")
    if name in _OF_THE_MACHINE:
        parts.append(f"not set: {_OF_THE_MACHINE[name]}")
    return "; ".join(parts)


def _choices(annotation: Any) -> list[str]:
    """The values of a `Literal`, also where the setting may be unset."""
    for kind in (annotation, *get_args(annotation)):
        if get_origin(kind) is Literal:
            return [str(value) for value in get_args(kind)]
    return []


def _default(name: str) -> Any:
    """Its default; None where it depends on the machine."""
    info = Settings.model_fields[name]
    if name in _OF_THE_MACHINE:
        return None
    value = info.get_default(call_default_factory=True)
    return None if value is PydanticUndefined else value


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _env_value(name: str) -> str:
    value = _default(name)
    return "" if value in (None, (), {}) else _shown(value)


def _toml_value(name: str) -> str:
    value = _default(name)
    if value == {}:
        return "{}"
    if value == ():
        return "[]"
    return '""' if value is None else json.dumps(value)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
