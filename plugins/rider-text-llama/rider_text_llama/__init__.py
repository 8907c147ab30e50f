"""Text generation for Rider-PC: language models on this machine, through llama.cpp, without a server."""

from __future__ import annotations

from collections.abc import Callable

from rider_core.api import ModelEntry, Provider, hookimpl
from rider_text_llama.models import MODELS
from rider_text_llama.provider import LlamaTextGenerator

RIDER_API = "1.0"


@hookimpl
def register_providers(register: Callable[[type[Provider]], None]) -> None:
    register(LlamaTextGenerator)


@hookimpl
def register_models(register: Callable[[ModelEntry], None]) -> None:
    for entry in MODELS:
        register(entry)
