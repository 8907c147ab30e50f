"""`rider config`: every setting with its value and where to set it; saved settings of providers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from rider_core.cli.completion import complete_providers
from rider_core.cli.job_input import field_value
from rider_core.cli.tables import print_table
from rider_core.config import Settings, config_file, load_settings, origin_of, variable_of
from rider_core.config.checking import check_file
from rider_core.config.env_files import file_that_set
from rider_core.config.examples import RABBITMQ, env_example, toml_example
from rider_core.config.shown import shown_value
from rider_core.database.saved import saved_settings
from rider_core.errors import DatabaseError, InvalidInput
from rider_core.printable import HIDDEN, is_secret, printable, printable_json

#: Properties of `Settings` that are computed from the others.
DERIVED = ("redis_location", "database_location", "models_dir", "robot_api_url")
#: The provider settings in the database, which `rider config set` writes.
SAVED = "saved_provider_settings"


@click.group()
def config() -> None:
    """Settings."""


@config.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def show(name: str | None, as_json: bool) -> None:
    """Print all settings, or one: `rider config show redis_location`. Passwords are hidden."""
    settings = load_settings()
    values = {it: shown_value(getattr(settings, it)) for it in (*Settings.model_fields, *DERIVED)}
    values[SAVED] = _saved(settings)
    values |= {it: HIDDEN if is_secret(it) else os.environ[it] for it in RABBITMQ if it in os.environ}
    if name is not None:
        if name not in values:
            raise click.BadParameter(f"there is no setting {name!r}; `rider config show` lists all")
        click.echo(json.dumps(values[name]) if as_json else _text(values[name]))
        return
    if as_json:
        click.echo(printable_json(json.dumps(values, indent=2, ensure_ascii=False)))
        return
    table = Table("setting", "value", "from", "environment", "description", caption=f"file: {config_file()}")
    table.columns[0].no_wrap = table.columns[3].no_wrap = True
    for field, info in Settings.model_fields.items():
        origin = Text(origin_of(field), style="" if origin_of(field) == "default" else "bold")
        table.add_row(field, Text(_text(values[field])), origin, variable_of(field), info.description or "")
    for derived in DERIVED:
        table.add_row(derived, Text(_text(values[derived])), "", "", "follows from the others")
    about_saved = "by rider config set; they override provider_settings"
    table.add_row(SAVED, Text(_text(values[SAVED])), "database", "", about_saved)
    for variable in RABBITMQ:
        if variable in os.environ:
            setter = str(file_that_set(variable) or variable)
            table.add_row("", Text(values[variable]), setter, variable, "of the plugin rider-queue-rabbitmq")
    print_table(table)


@config.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check FILE, a `.toml` or a `.env` file, without using it. Exit status 1 where something in it is wrong."""
    problems, number = check_file(file)
    for problem in problems:
        click.secho(printable(problem), fg="red", err=True)
    if problems:
        sys.exit(1)
    click.echo(printable(f"{file} is correct: {number} settings"))


@config.command()
@click.argument("kind", type=click.Choice(["env", "toml"]))
def example(kind: str) -> None:
    """Print all settings as an annotated file to start from: `rider config example env > .env`."""
    click.echo(env_example() if kind == "env" else toml_example(), nl=False)


@config.command("set")
@click.argument("provider", shell_complete=complete_providers)
@click.argument("fields", nargs=-1, required=True, metavar="FIELD=VALUE...")
def save(provider: str, fields: tuple[str, ...]) -> None:
    """Save settings of PROVIDER in the database. They override those of the file."""
    changes = dict(field_value(field, "FIELD=VALUE") for field in fields)
    with _services() as services:
        services.save_provider_settings(provider, changes)
    click.echo(f"{', '.join(changes)} of {provider} saved; running workers use them within seconds")


@config.command()
@click.argument("provider", shell_complete=complete_providers)
def reset(provider: str) -> None:
    """Forget the saved settings of PROVIDER; those of the file are in force again."""
    if not saved_settings(load_settings().database_location).get(provider):
        raise InvalidInput(f"nothing is saved for {provider!r}", remedy=f"see `rider config show {SAVED}`")
    with _services() as services:
        services.reset_provider_settings(provider)
    click.echo(f"the saved settings of {provider} are forgotten; running workers use the file's within seconds")


@contextmanager
def _services() -> Iterator[Any]:
    # Imported here: `rider config show` needs neither plugins nor Redis.
    services = import_module("rider_core.runtime.services").Services.open(load_settings(), role="cli")
    try:
        yield services
    finally:
        services.close()


def _saved(settings: Settings) -> Any:
    try:
        return shown_value({name: saved for name, saved in saved_settings(settings.database_location).items() if saved})
    except DatabaseError as error:
        return f"cannot be read: {error}"


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
