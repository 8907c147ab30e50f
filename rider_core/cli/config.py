"""`rider config show`: every setting with its value and where to set it."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from rider_core.config import Settings, load_settings
from rider_core.config.settings import config_file


@click.group()
def config() -> None:
    """Settings."""


@config.command()
@click.argument("name", required=False)
def show(name: str | None) -> None:
    """Print all settings, or one: `rider config show redis_location`."""
    settings = load_settings()
    if name is not None:
        if not hasattr(Settings, name) and name not in Settings.model_fields:
            raise click.BadParameter(f"there is no setting {name!r}; `rider config show` lists them all")
        click.echo(getattr(settings, name))
        return
    table = Table("setting", "value", "environment", "what it is", caption=f"file: {config_file()}")
    for field, info in Settings.model_fields.items():
        value = getattr(settings, field)
        table.add_row(field, str(value), info.alias or f"RIDER_{field.upper()}", info.description or "")
    for derived in ("redis_location", "database_location", "models_dir", "robot_api_url"):
        table.add_row(derived, str(getattr(settings, derived)), "", "follows from the others")
    Console().print(table)
