"""`rider ollama`: list, pull, show and remove models of an Ollama server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, cast

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from rider_core.api import ProviderConfig
from rider_text_ollama.address import parse_address
from rider_text_ollama.config import OllamaConfig
from rider_text_ollama.sanitize import one_line, pull_command

if TYPE_CHECKING:
    from rider_text_ollama.client import OllamaClient, PullProgress

#: Read timeout: a server sends nothing while it computes the checksum of many gigabytes on a slow disk.
PULL_SILENCE_S = 900.0
LIST_SILENCE_S = 30.0
#: More than any model has files. Further files are reported without bars.
MAX_BARS = 50
#: Exit status of a program that was ended by Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130

Open = Callable[[float], "OllamaClient"]


def add_commands(cli: click.Group, provider_config: Callable[[str], ProviderConfig]) -> None:
    """Add `rider ollama` to `cli`; the settings are read when a command runs."""

    @cli.group("ollama")
    @click.option("--host", metavar="ADDRESS", help="Another server than the settings say.")
    @click.pass_context
    def ollama_group(ctx: click.Context, host: str | None) -> None:
        """The models of the Ollama server."""

        def open_server(silence_s: float) -> OllamaClient:
            config = cast("OllamaConfig", provider_config("ollama"))
            address = parse_address(host) if host else config.address
            server: OllamaClient = import_module("rider_text_ollama.client").OllamaClient(
                address, connect_timeout_s=config.connect_timeout_s, read_timeout_s=silence_s
            )
            return server

        ctx.obj = open_server

    for command in (list_models, pull, show, remove):
        ollama_group.add_command(command)


@contextmanager
def _server(ctx: click.Context, silence_s: float = LIST_SILENCE_S) -> Iterator[OllamaClient]:
    with closing(cast("Open", ctx.obj)(silence_s)) as server:
        yield server


@click.command("list")
@click.pass_context
def list_models(ctx: click.Context) -> None:
    """The server's models, the newest first."""
    with _server(ctx) as server:
        models, loaded = server.models(), server.loaded()
    if not models:
        first = import_module("rider_text_ollama.error_mapping").FIRST_MODEL
        click.echo(f"The server has no model yet. For Polish and English: rider ollama pull {first}")
        return
    table = Table("model", "size", "parameters", "weights", "fetched", "in memory")
    for model in models:
        memory = f"yes, {loaded[model.name]} % on the graphics card" if model.name in loaded else ""
        size = f"{model.size_bytes / 1e6:.0f} MB" if model.size_bytes else ""
        cells = (model.name, size, model.parameters, model.quantization, model.modified, memory)
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_context
def pull(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Let the server fetch models. An interrupted pull is resumed."""
    with _server(ctx, PULL_SILENCE_S) as server:
        for name in names:
            try:
                with closing(server.pull(name)) as steps:
                    show_progress(name, steps, Console(stderr=True))
            except KeyboardInterrupt:
                click.echo(f"\nstopped; `{pull_command(name)}` resumes it", err=True)
                sys.exit(INTERRUPTED)
            click.echo(f"{one_line(name)} is there")


@click.command()
@click.argument("name")
@click.pass_context
def show(ctx: click.Context, name: str) -> None:
    """Size, context, abilities and licence of a model."""
    with _server(ctx) as server:
        model = server.show(name)
    details, info = model.details, model.modelinfo or {}
    context = next((value for key, value in info.items() if key.endswith(".context_length")), None)
    licence = (model.license or "").strip().partition("\n")[0]
    lines = {
        "model": name,
        "family": details and details.family,
        "parameters": details and details.parameter_size,
        "weights": details and details.quantization_level,
        "context": f"{context} tokens" if context else None,
        "can do": ", ".join(model.capabilities or ()),
        "licence": licence,
    }
    for label, value in lines.items():
        if value:
            click.echo(f"{label:<11} {one_line(value)}")


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_context
def remove(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Remove models from the server's disk."""
    with _server(ctx) as server:
        for name in names:
            server.delete(name)
            click.echo(f"{one_line(name)} is removed")


def show_progress(name: str, steps: Iterator[PullProgress], console: Console) -> None:
    """Show a pull's progress: on a terminal with a bar for each file, elsewhere with a line for each status."""
    # Without markup: the server's texts are not trusted.
    columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}
        last = ""
        for step in steps:
            status = one_line(step.status, 60)
            if step.layer and step.total_bytes and (step.layer in bars or len(bars) < MAX_BARS):
                if step.layer not in bars:
                    bars[step.layer] = progress.add_task(f"{name}: {_short(step.layer)}", total=step.total_bytes)
                progress.update(bars[step.layer], completed=step.done_bytes, total=step.total_bytes)
            if status != last and not (step.layer and console.is_terminal):
                console.print(f"{one_line(name)}: {status}", markup=False, highlight=False)
            last = status


def _short(digest: str) -> str:
    # Cut before: `one_line` would replace three of the characters by dots.
    return one_line(digest.removeprefix("sha256:")[:12])
