"""Providers with short timeouts, and requests."""

from __future__ import annotations

from typing import Any

import pytest
from rider_text_ollama import OllamaTextGenerator
from rider_text_ollama.config import OllamaConfig

from rider_core.api import GenerateRequest, ProviderContext
from rider_core.errors import RiderError

READ_TIMEOUT_S = 0.4


def make_provider(url: str, **settings: Any) -> OllamaTextGenerator:
    settings = {"read_timeout_s": READ_TIMEOUT_S, "connect_timeout_s": 0.4, **settings}
    return OllamaTextGenerator(OllamaConfig(host=url, **settings), ProviderContext())


def ask(**more: Any) -> GenerateRequest:
    return GenerateRequest(**{"prompt": "Who are you?", "max_tokens": 8, "temperature": 0, **more})


def collect_until_error(provider: OllamaTextGenerator, request: GenerateRequest) -> tuple[str, RiderError]:
    """The text before the error, and the error."""
    pieces: list[str] = []
    stream = provider.generate_stream(request)
    with pytest.raises(RiderError) as caught:
        pieces.extend(iter(lambda: next(stream), None))
    return "".join(pieces), caught.value
