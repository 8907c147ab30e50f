"""The real model's file, opened providers, and what several tests ask them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rider_text_llama.models import SMOLLM2_135M
from rider_text_llama.provider import LlamaConfig, LlamaTextGenerator

from rider_core.api import GenerateRequest, ProviderContext
from rider_core.errors import ModelError

HELPFUL = "You are a helpful assistant."
CAPITAL = GenerateRequest(prompt="What is the capital of Poland?", system_prompt=HELPFUL, temperature=0, max_tokens=24)
#: Its answer never ends.
TALKATIVE = "Write an emoji poem with ❤ and 😀 " * 10

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


def small_model(name: str = SMOLLM2_135M.name) -> Path:
    """The catalogue's model, from RIDER_MODEL_PATH or from where `rider models pull` stores it."""
    assert name == SMOLLM2_135M.name
    folders = [os.environ.get("RIDER_MODEL_PATH"), f"{os.environ.get('RIDER_DATA_DIR', '')}/models"]
    for folder in filter(None, folders):
        if (path := Path(folder) / SMOLLM2_135M.filename).is_file():
            return path
    text = f"{SMOLLM2_135M.filename} is missing: set RIDER_MODEL_PATH, or RIDER_DATA_DIR and pull it"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def no_model(name: str) -> Path:
    raise ModelError(f"model {name!r} is not installed", remedy=f"rider models pull {name}")


@contextmanager
def opened(**settings: Any) -> Iterator[LlamaTextGenerator]:
    # A small context and a short prompt make the many warm-ups faster.
    config = LlamaConfig(**{"context_tokens": 1_024, "system_prompt": "Be brief.", **settings})
    provider = LlamaTextGenerator(config, ProviderContext(model_path=small_model))
    provider.open()
    try:
        yield provider
    finally:
        provider.close()


def memory_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB
