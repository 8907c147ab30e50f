"""Text generation for Rider-PC by an Ollama server. Start reading in `provider`, then `client`.

Every process imports this module, so `ollama`, `httpx` and `rich` are imported at the first use of a server.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from rider_core.api import Provider, ProviderConfig, hookimpl
from rider_text_ollama.provider import OllamaTextGenerator

if TYPE_CHECKING:
    import click

RIDER_API = "1.0"


@hookimpl
def register_providers(register: Callable[[type[Provider]], None]) -> None:
    register(OllamaTextGenerator)


@hookimpl
def register_commands(cli: click.Group, provider_config: Callable[[str], ProviderConfig]) -> None:
    import_module("rider_text_ollama.commands").add_commands(cli, provider_config)
