"""`rider prompts`: the language model's system prompts, by name and language."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping

import click
from rich.table import Table

from rider_core.cli.tables import print_table
from rider_core.config import load_settings
from rider_core.database import Database
from rider_core.database.saved import saved_prompts
from rider_core.errors import InvalidInput
from rider_core.printable import printable_json
from rider_core.prompts import BUILT_IN
from rider_core.runtime.prompts import PromptStore


@click.group()
def prompts() -> None:
    """System prompts of the language model."""


@prompts.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_prompts(as_json: bool) -> None:
    """Every system prompt, by name and language, and whether you changed it."""
    rows = list(_rows(saved_prompts(load_settings().database_location)))
    if as_json:
        names = ("name", "language", "state", "text")
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        click.echo(printable_json(json.dumps(listed, indent=2, ensure_ascii=False)))
        return
    table = Table("name", "language", "", "text")
    for name, language, state, text in rows:
        table.add_row(name, language, state, text.replace("[", "\\["))
    print_table(table)


@prompts.command()
@click.argument("name")
@click.option("--language", help="ISO 639-1, such as pl; by default that of a request without a language.")
def show(name: str, language: str | None) -> None:
    """Print one system prompt."""
    settings = load_settings()
    click.echo(PromptStore(settings.database_location, settings.language).text(name, language))


@prompts.command("set")
@click.argument("name")
@click.argument("language")
@click.argument("text", required=False)
def set_prompt(name: str, language: str, text: str | None) -> None:
    """Save a system prompt, also over a built-in one. Without TEXT an editor opens; "-": from standard input."""
    if text == "-":
        text = sys.stdin.read()
    elif text is None:
        saved = saved_prompts(load_settings().database_location, name)
        known = {**BUILT_IN.get(name, {}), **saved.get(name, {})}
        text = click.edit(known.get(language, ""))
        if text is None:
            raise click.ClickException("nothing was saved in the editor")
    _database().save_prompt(name, language, text.strip())
    click.echo(f"{name} ({language}) is saved; workers use it within seconds")


@prompts.command()
@click.argument("name")
@click.argument("language", required=False)
def reset(name: str, language: str | None) -> None:
    """Delete the saved prompts of NAME, in one language or in all. The built-in ones are in use again."""
    if not _database().delete_prompt(name, language):
        raise InvalidInput(f"no system prompt is saved under {name!r}", remedy="see `rider prompts list`")
    click.echo(f"{name} is the built-in one again" if name in BUILT_IN else f"{name} is deleted")


def _rows(saved: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str, str]]:
    """Name, language, state (yours, changed, or empty for a built-in prompt), and text."""
    for name in sorted({*BUILT_IN, *saved}):
        built_in, own = BUILT_IN.get(name, {}), saved.get(name, {})
        for language, text in sorted({**built_in, **own}.items()):
            yield name, language, "yours" if language not in built_in else "changed" if language in own else "", text


def _database() -> Database:
    return Database(load_settings().database_location)
