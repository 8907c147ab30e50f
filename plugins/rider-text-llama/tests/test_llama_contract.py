"""The contract tests of text generators, with the real model."""

from __future__ import annotations

from llama_harness import small_model
from rider_text_llama.provider import LlamaTextGenerator

from rider_core.api import ProviderContext
from rider_core.testing import TextGeneratorContract


class TestContract(TextGeneratorContract):
    provider_class = LlamaTextGenerator
    max_tokens = 6

    @classmethod
    def context(cls) -> ProviderContext:
        return ProviderContext(model_path=small_model)
