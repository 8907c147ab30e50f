"""`rider providers`: the engines of each domain, in which order they are used, and switching them on and off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.table import Table

from rider_core.api.provider import Provider
from rider_core.api.tasks import TASKS
from rider_core.cli.completion import complete_providers
from rider_core.cli.tables import print_table
from rider_core.config import load_settings
from rider_core.errors import ConfigError, RiderError
from rider_core.runtime.services import Services


@click.group()
def providers() -> None:
    """Engines."""


@providers.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_providers(as_json: bool) -> None:
    """Every engine that is installed, in the order in which they are used."""
    with _services() as services:
        rows = [row for domain in _domains() for row in _rows_of(services, domain)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("domain", "engine", "used")
    for row in rows:
        table.add_row(str(row["domain"]), f"{row['name']}{' (MOCK)' if row['mock'] else ''}", _use(row))
    print_table(table)


@providers.command()
@click.argument("name", shell_complete=complete_providers)
def enable(name: str) -> None:
    """Use NAME again."""
    _switch(name, enabled=True)
    click.echo(f"{name} is switched on; running workers use it within seconds")


@providers.command()
@click.argument("name", shell_complete=complete_providers)
def disable(name: str) -> None:
    """Use NAME for nothing. A running job is finished."""
    _switch(name, enabled=False)
    click.echo(f"{name} is switched off")


@providers.command()
@click.argument("name", shell_complete=complete_providers)
def first(name: str) -> None:
    """Use NAME before the other engines of its domain."""
    with _services() as services:
        services.put_provider_first(_known(services, name))
    click.echo(f"{name} is used first; running workers heed it within seconds")


def _switch(name: str, enabled: bool) -> None:
    with _services() as services:
        services.enable_provider(_known(services, name), enabled)


def _known(services: Services, name: str) -> str:
    known = services.plugins.registry.providers
    if name not in known:
        raise ConfigError(f"there is no provider {name!r}", remedy=f"choose from: {', '.join(sorted(known))}")
    return name


def _domains() -> list[type[Provider]]:
    return list(dict.fromkeys(task.provider for task in TASKS.values()))


def _rows_of(services: Services, domain: type[Provider]) -> list[dict[str, object]]:
    try:
        used = services.provider_names(domain)
    except RiderError:
        used = []
    found = services.plugins.registry.in_domain(domain)
    rows: list[dict[str, object]] = [
        {
            "domain": domain.domain,
            "name": it.name,
            "mock": it.mock,
            "place": used.index(it.name) + 1 if it.name in used else None,
            "enabled": services.provider_choices.of(it.name).enabled,
        }
        for it in found
    ]
    return sorted(rows, key=lambda row: used.index(str(row["name"])) if row["place"] else len(used))


def _use(row: dict[str, object]) -> str:
    if not row["enabled"]:
        return "switched off"
    if row["place"] is None:
        return "by name only"
    return "first" if row["place"] == 1 else f"{row['place']}., where those before it fail"


@contextmanager
def _services() -> Iterator[Services]:
    services = Services.open(load_settings(), role="cli")
    try:
        yield services
    finally:
        services.close()
