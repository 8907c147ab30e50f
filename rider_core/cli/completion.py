"""`rider completion SHELL`: shell completion of commands, models, providers and plugins."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

_SHELLS = ("bash", "zsh", "fish")
_HOW = {
    "bash": 'eval "$(rider completion bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(rider completion zsh)"   # in ~/.zshrc',
    "fish": "rider completion fish | source   # in ~/.config/fish/config.fish",
}


@click.command(epilog="\b\n" + "\n".join(_HOW.values()))
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL: commands, options, and the names of models, providers and plugins."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "rider", "_RIDER_COMPLETE").source())


def complete_models(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _named(_registry().models, incomplete)


def complete_providers(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _named(_registry().providers, incomplete)


def complete_plugins(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    plugins = import_module("rider_core.runtime.plugins").load_plugins(_settings())
    return _named({record.name: record for record in plugins.records()}, incomplete)


def _named(names: dict[str, Any], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


def _registry() -> Any:
    return import_module("rider_core.runtime.plugins").load_plugins(_settings()).registry


def _settings() -> Any:
    return import_module("rider_core.config").load_settings()
