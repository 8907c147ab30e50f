"""`rider plugins`: what is installed, what state it is in, and why."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from rider_core.config import load_settings
from rider_core.pluginhost import PluginRecord
from rider_core.runtime.installed import changes_since_start
from rider_core.runtime.plugins import load_plugins

_STYLES = {"loaded": "green", "disabled": "dim", "incompatible": "yellow", "failed": "red"}


@click.group()
def plugins() -> None:
    """Plugins."""


@plugins.command("list")
def list_plugins() -> None:
    """Every plugin with its state, its providers, and its reason where it does not work."""
    settings = load_settings()
    host = load_plugins(settings)
    table = Table("plugin", "package", "state", "providers", "reason")
    for record in host.records():
        providers = [name + (" (MOCK)" if host.registry.providers[name].mock else "") for name in record.providers]
        state = f"[{_STYLES[record.state.value]}]{record.state.value}[/]"
        package = f"{record.package} {record.version}"
        table.add_row(record.name, package, state, "\n".join(providers), record.reason.replace("[", "\\["))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    if not host.records():
        console.print("No plugin is installed. The first one: pip install rider-echo")
    changed = changes_since_start(settings)
    if changed:
        click.secho(changed, fg="yellow", err=True)


@plugins.command()
@click.argument("name", required=False)
def check(name: str | None) -> None:
    """Load the plugins, or one, and print the traceback of what fails. Exit status 1 where something does."""
    records = load_plugins(load_settings()).records()
    if name is not None:
        records = [record for record in records if record.name == name]
        if not records:
            raise click.BadParameter(f"there is no plugin {name!r}; `rider plugins list` shows them all")
    for record in records:
        _print_check(record)
    if any(not record.loaded and record.state.value != "disabled" for record in records):
        sys.exit(1)


def _print_check(record: PluginRecord) -> None:
    click.echo(f"{record.name} ({record.package} {record.version}): {record.state.value} {record.reason}".rstrip())
    if record.traceback:
        click.echo(record.traceback)
