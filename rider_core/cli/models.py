"""`rider models`: lists, fetches, verifies and removes model files."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from rider_core.catalogue import ModelCatalogue, ModelStatus
from rider_core.cli.completion import complete_models
from rider_core.cli.tables import print_table
from rider_core.config import Settings, load_settings
from rider_core.errors import ModelError, RiderError
from rider_core.pluginhost import guarded
from rider_core.pluginhost.registry import DOMAIN_CLASSES
from rider_core.runtime.plugins import load_plugins
from rider_core.runtime.services import Services


@click.group()
def models() -> None:
    """Model files."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_models(as_json: bool) -> None:
    """The catalogue: name, licence, size, and whether it is installed."""
    catalogue = open_catalogue(load_settings())
    if as_json:
        click.echo(json.dumps([_status_dict(catalogue.status(entry.name)) for entry in catalogue.entries()], indent=2))
        return
    table = Table("model", "licence", "size", "state", "description")
    for entry in catalogue.entries():
        status = catalogue.status(entry.name)
        where = f"{status.state.value}{' (your own folder)' if status.local else ''}"
        table.add_row(entry.name, entry.licence, f"{entry.size_bytes / 1e6:.0f} MB", where, entry.description)
    print_table(table)


@models.command()
@click.argument("names", nargs=-1, shell_complete=complete_models)
@click.option("--required", is_flag=True, help="Models that the engines in use need.")
def pull(names: tuple[str, ...], required: bool) -> None:
    """Fetch models. An interrupted download is resumed. Running workers use them within seconds."""
    if not names and not required:
        raise click.UsageError("name a model (`rider models list` shows them), or use --required")
    services = Services.open(load_settings(), role="cli")
    try:
        for name in (*names, *(required_models(services) if required else ())):
            pull_with_progress(services.catalogue, name)
        services.announce_models()
    finally:
        services.close()


@models.command()
@click.argument("names", nargs=-1, shell_complete=complete_models)
def verify(names: tuple[str, ...]) -> None:
    """Compare installed models with their checksums."""
    catalogue = open_catalogue(load_settings())
    for name in names or [entry.name for entry in catalogue.entries()]:
        if not names and catalogue.status(name).path is None:
            click.echo(f"{name}: not installed")
            continue
        catalogue.verify(name)
        click.echo(f"{name}: verified")


@models.command()
@click.argument("names", nargs=-1, required=True, shell_complete=complete_models)
def remove(names: tuple[str, ...]) -> None:
    """Delete fetched models; files in a folder of your own stay."""
    catalogue = open_catalogue(load_settings())
    for name in names:
        status = catalogue.status(name)
        if catalogue.remove(name):
            click.echo(f"{name} is removed, {status.size_bytes / 1e6:.0f} MB")
        elif status.local:
            raise ModelError(f"model {name!r} is your own file {status.path}", remedy="delete it yourself")
        else:
            click.echo(f"{name} is not installed")


def _status_dict(status: ModelStatus) -> dict[str, Any]:
    """The status as JSON."""
    entry = status.entry
    return {
        "name": entry.name,
        "licence": entry.licence,
        "size_bytes": entry.size_bytes,
        "sha256": entry.sha256,
        "state": status.state.value,
        "path": str(status.path) if status.path else None,
        "local": status.local,
        "description": entry.description,
    }


def required_models(services: Services) -> list[str]:
    """Names of the models that the preferred provider of each domain needs. Prints domains without a provider."""
    names: list[str] = []
    for domain in DOMAIN_CLASSES:
        try:
            names += guarded.required_models_of(services.make_provider(domain))
        except RiderError as error:
            click.echo(f"{domain.domain}: {error.message}", err=True)
    return list(dict.fromkeys(names))


def open_catalogue(settings: Settings) -> ModelCatalogue:
    return ModelCatalogue(load_plugins(settings).registry.models, settings.models_dir, settings.model_path)


def pull_with_progress(catalogue: ModelCatalogue, name: str) -> None:
    """Fetch one model. Progress is a bar on a terminal, elsewhere a line for each phase."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}

        def show(phase: str, done: int, total: int) -> None:
            if phase not in bars:
                bars[phase] = progress.add_task(f"{name}: {phase}", total=total or None)
                if not console.is_terminal:
                    console.print(f"{name}: {phase}")
            progress.update(bars[phase], completed=done)

        path = catalogue.pull(name, show)
    click.echo(f"{name} is installed: {path}")
