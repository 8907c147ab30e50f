"""`rider plugins`: the installed plugins, their states and the reasons; installing and removing one."""

from __future__ import annotations

import getpass
import json
import os
import sys
from dataclasses import asdict

import click
from rich.markup import escape
from rich.table import Table

from rider_core.cli.completion import complete_plugins
from rider_core.cli.tables import print_table
from rider_core.config import load_settings
from rider_core.errors import PluginError
from rider_core.pluginhost import PluginRecord
from rider_core.printable import printable, printable_json, printable_lines
from rider_core.runtime.plugin_change_record import Action, PluginChangeRecord
from rider_core.runtime.plugin_changes import changes_since_start
from rider_core.runtime.plugin_installer import check_request, make_change
from rider_core.runtime.plugins import load_plugins

_STYLES = {"loaded": "green", "disabled": "dim", "incompatible": "yellow", "failed": "red"}


@click.group()
def plugins() -> None:
    """Plugins."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_plugins(as_json: bool) -> None:
    """Every plugin with its state, its providers, and the reason if it does not work."""
    settings = load_settings()
    host = load_plugins(settings)
    changed = changes_since_start(settings)
    if changed:
        click.secho(changed, fg="yellow", err=True)
    if as_json:
        described = [{**asdict(record), "state": record.state.value} for record in host.records()]
        click.echo(printable_json(json.dumps(described, indent=2, ensure_ascii=False)))
        return
    table = Table("plugin", "package", "state", "providers", "reason")
    for record in host.records():
        providers = [name + (" (MOCK)" if host.registry.providers[name].mock else "") for name in record.providers]
        state = f"[{_STYLES[record.state.value]}]{record.state.value}[/]"
        package = f"{record.package} {record.version}"
        table.add_row(record.name, package, state, "\n".join(providers), escape(printable(record.reason)))
    print_table(table)
    if not host.records():
        click.echo("No plugin is installed. The first one: pip install rider-echo")


@plugins.command()
@click.argument("name", required=False, shell_complete=complete_plugins)
def check(name: str | None) -> None:
    """Load the plugins, or one, and print tracebacks. The exit status is 1 if one fails."""
    records = load_plugins(load_settings()).records()
    if name is not None:
        records = [record for record in records if record.name == name]
        if not records:
            raise click.BadParameter(f"there is no plugin {name!r}; `rider plugins list` shows all")
    for record in records:
        _print_check(record)
    if any(not record.loaded and record.state.value != "disabled" for record in records):
        sys.exit(1)


@plugins.command()
@click.argument("package")
def install(package: str) -> None:
    """Install PACKAGE and check it in a fresh process. What does not work is removed again.

    Nothing that is installed is changed; an update is `pip install -U PACKAGE`.
    """
    _change("install", package)


@plugins.command()
@click.argument("package")
def remove(package: str) -> None:
    """Remove PACKAGE, and put it back if something else no longer works without it."""
    _change("remove", package)


def _change(action: Action, package: str) -> None:
    """The panel shows it, too."""
    settings = load_settings()
    record = PluginChangeRecord(settings)
    lock = record.acquire()
    try:
        check_request(action, package)
        with os.fdopen(record.open_log(), "w") as log:

            def write(line: str) -> None:
                click.echo(line)
                print(line, file=log, flush=True)

            change = make_change(settings, action, package, f"terminal:{getpass.getuser()}", write)
    finally:
        os.close(lock)
    if change.phase == "failed":
        raise PluginError(change.problem, remedy=change.remedy)
    changed = changes_since_start(settings)
    click.secho(changed or f"{action} {package}: done", fg="yellow" if changed else "green")


def _print_check(record: PluginRecord) -> None:
    line = f"{record.name} ({record.package} {record.version}): {record.state.value} {record.reason}"
    click.echo(printable(line.rstrip()))
    if record.traceback:
        click.echo(printable_lines(record.traceback))
