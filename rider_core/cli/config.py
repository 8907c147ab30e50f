"""`rider config show`: every setting with its value and where to set it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import click
from pydantic import SecretStr
from rich.table import Table
from rich.text import Text

from rider_core.cli.tables import print_table
from rider_core.config import Settings, config_file, load_settings, variable_of
from rider_core.printable import HIDDEN, is_secret, printable_json, without_passwords

#: What follows from the others.
DERIVED = ("redis_location", "database_location", "models_dir", "robot_api_url")
#: What the plugin rider-queue-rabbitmq reads from the environment.
_RABBITMQ = tuple(f"RABBITMQ_{name}" for name in ("HOST", "PORT", "VHOST", "USER", "PASSWORD"))


@click.group()
def config() -> None:
    """Settings."""


@config.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def show(name: str | None, as_json: bool) -> None:
    """Print all settings, or one: `rider config show redis_location`. Passwords are not shown."""
    settings = load_settings()
    values = {it: shown(getattr(settings, it)) for it in (*Settings.model_fields, *DERIVED)}
    values |= {it: HIDDEN if is_secret(it) else os.environ[it] for it in _RABBITMQ if it in os.environ}
    if name is not None:
        if name not in values:
            raise click.BadParameter(f"there is no setting {name!r}; `rider config show` lists them all")
        click.echo(json.dumps(values[name]) if as_json else _text(values[name]))
        return
    if as_json:
        click.echo(printable_json(json.dumps(values, indent=2, ensure_ascii=False)))
        return
    table = Table("setting", "value", "environment", "what it is", caption=f"file: {config_file()}")
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    for field, info in Settings.model_fields.items():
        table.add_row(field, Text(_text(values[field])), variable_of(field), info.description or "")
    for derived in DERIVED:
        table.add_row(derived, Text(_text(values[derived])), "", "follows from the others")
    for variable in _RABBITMQ:
        if variable in os.environ:
            table.add_row("", Text(values[variable]), variable, "of the plugin rider-queue-rabbitmq")
    print_table(table)


def shown(value: Any) -> Any:
    """A setting's value for people and programs, in JSON's types."""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: HIDDEN if is_secret(key) else shown(it) for key, it in value.items()}
    if isinstance(value, (tuple, list)):
        return [shown(it) for it in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return without_passwords(str(value))


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
