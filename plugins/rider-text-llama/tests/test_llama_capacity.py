"""The real model's KV cache, which grows with the conversations."""

from __future__ import annotations

from typing import Any

import pytest
from llama_harness import CAPITAL, TALKATIVE, opened
from rider_text_llama import context as context_file
from rider_text_llama.context import Context
from rider_text_llama.models import MODELS
from rider_text_llama.provider import LlamaTextGenerator

from rider_core.api import GenerateRequest
from rider_core.errors import ProviderUnavailable

LONG = GenerateRequest(prompt="What is the third word? " + "one two three four " * 75, max_tokens=40, temperature=0)
#: First capacity in these tests, in tokens, instead of 1,024: prefill of short conversations is quick.
SMALL = 256


def context_of(provider: LlamaTextGenerator) -> Context:
    """Of its one loaded model."""
    assert provider._engine is not None
    with provider._engine._cache.borrow(MODELS[0].name) as model:
        return model.context


class NoMemory:
    """llama.cpp where no further context can be allocated."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def llama_init_from_model(self, *_: object) -> None:
        return None


@pytest.fixture(autouse=True)
def small_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_file, "FIRST_CAPACITY", SMALL)


def test_a_long_conversation_gets_more_room_and_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened() as provider:
        context = context_of(provider)
        assert context.capacity == SMALL
        answers = [provider.generate(CAPITAL).text, provider.generate(LONG).text]
        assert context.capacity == 2 * SMALL
        answers.append(provider.generate(CAPITAL).text)
    monkeypatch.setattr(context_file, "FIRST_CAPACITY", 1_024)
    with opened() as provider:
        context = context_of(provider)
        assert context.capacity == 1_024
        assert answers == [provider.generate(it).text for it in (CAPITAL, LONG, CAPITAL)]


def test_there_is_room_for_the_whole_answer_from_its_start() -> None:
    with opened() as provider:
        context = context_of(provider)
        provider.generate(GenerateRequest(prompt="Go on: " + "one two " * 60, max_tokens=180, temperature=0))
        assert context.capacity == 2 * SMALL


def test_an_answer_may_be_longer_than_what_a_prompt_leaves_for_it() -> None:
    with opened(system_prompt="") as provider:
        answer = provider.generate(GenerateRequest(prompt=TALKATIVE, max_tokens=400, temperature=0))
        assert (answer.completion_tokens, answer.finish_reason) == (400, "length")


def test_where_memory_is_short_only_the_long_ones_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened() as provider:
        context = context_of(provider)
        before = provider.generate(CAPITAL).text
        library = NoMemory(context._library)
        monkeypatch.setattr(context, "_library", library)
        with pytest.raises(ProviderUnavailable, match="no context of 512 tokens"):
            provider.generate(LONG)
        assert provider.generate(CAPITAL).text == before
