"""Tests that any Ollama server must pass. Against the fake server, or the real one in `OLLAMA_HOST`.

The real one is tested with `RIDER_TEST_OLLAMA_MODEL`, or with its first model.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from rider_text_ollama import OllamaTextGenerator
from rider_text_ollama.config import OllamaConfig

from rider_core.api import ChatMessage, GenerateRequest, HealthStatus, ProviderContext
from rider_core.errors import InvalidInput, ModelError
from rider_core.testing import TextGeneratorContract

MODEL = os.environ.get("RIDER_TEST_OLLAMA_MODEL")


def ollama(server_url: str, **settings: Any) -> OllamaTextGenerator:
    return OllamaTextGenerator(OllamaConfig(host=server_url, **{"model": MODEL, **settings}), ProviderContext())


@pytest.fixture(scope="module")
def opened(server_url: str) -> Iterator[OllamaTextGenerator]:
    provider = ollama(server_url)
    provider.open()
    yield provider
    provider.close()


def ask(prompt: str = "Say three words.", **more: Any) -> GenerateRequest:
    return GenerateRequest(**{"prompt": prompt, "max_tokens": 16, "temperature": 0, **more})


class TestContract(TextGeneratorContract):
    provider_class = OllamaTextGenerator
    settings: ClassVar[dict[str, Any]] = {"model": MODEL}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _at_the_server(cls, server_url: str) -> None:
        cls.settings = {"model": MODEL, "host": server_url}


class TestAnswers:
    def test_comes_in_pieces(self, opened: OllamaTextGenerator) -> None:
        assert len(list(opened.generate_stream(ask()))) > 2

    def test_end(self, opened: OllamaTextGenerator) -> None:
        answer = opened.generate(ask(max_tokens=4))
        assert (answer.model, answer.finish_reason) == (opened.models()[0], "length")
        assert answer.completion_tokens == 4
        assert answer.prompt_tokens is None or answer.prompt_tokens > 3

    def test_same_seed_same_answer(self, opened: OllamaTextGenerator) -> None:
        first, again = (opened.generate(ask(temperature=1.5, seed=7)).text for _ in range(2))
        assert first == again
        others = {opened.generate(ask(temperature=1.5, seed=seed)).text for seed in range(8, 12)}
        assert others - {first}, "four other seeds gave the same answer"

    def test_stops_before_a_text(self, opened: OllamaTextGenerator) -> None:
        whole = opened.generate(ask()).text
        word = whole.split()[2]
        cut = opened.generate(ask(stop=(word,)))
        assert cut.text == whole[: whole.index(word)]
        assert cut.finish_reason == "stop"

    def test_history_and_system_prompt_reach_the_model(self, opened: OllamaTextGenerator) -> None:
        history = (ChatMessage(role="user", content="I am Ada."), ChatMessage(role="assistant", content="Hello, Ada."))
        alone, with_history = opened.generate(ask()), opened.generate(ask(history=history))
        with_both = opened.generate(ask(history=history, system_prompt="Answer in Polish, whatever the language is."))
        counts = [answer.prompt_tokens or 0 for answer in (alone, with_history, with_both)]
        assert counts == sorted(set(counts)), f"a longer conversation has more tokens: {counts}"

    def test_the_longest_request(self, opened: OllamaTextGenerator) -> None:
        history = tuple(ChatMessage(role="user", content="word " * 6_400) for _ in range(2))
        assert opened.generate(ask(history=history, max_tokens=1)).text

    def test_unknown_model_is_the_callers_fault(self, opened: OllamaTextGenerator) -> None:
        with pytest.raises(InvalidInput, match="no model 'no-such; model'") as refusal:
            opened.generate(ask(model="no-such; model"))
        assert refusal.value.remedy == "rider ollama pull 'no-such; model'"
        opened.generate(ask())

    def test_closing_early_is_quick(self, opened: OllamaTextGenerator) -> None:
        stream = opened.generate_stream(ask("Count to one thousand.", max_tokens=8_192))
        next(stream)
        started = time.monotonic()
        stream.close()
        assert time.monotonic() - started < 1
        assert opened.generate(ask()).text


class TestModels:
    def test_default_first(self, server_url: str) -> None:
        provider = ollama(server_url)
        names = provider.models()
        provider.open()
        assert provider.details()["model"] == names[0]
        provider.close()
        last = ollama(server_url, model=names[-1]).models()
        assert last[0] == names[-1]
        assert sorted(last) == sorted(names)

    def test_each_can_be_named(self, opened: OllamaTextGenerator) -> None:
        if MODEL or os.environ.get("OLLAMA_HOST"):
            pytest.skip("a real server would have to load every model that it has")
        for name in opened.models():
            assert opened.generate(ask(model=name)).model == name

    def test_missing_model_is_reported_with_its_command(self, server_url: str) -> None:
        provider = ollama(server_url, model="no-such-model")
        health = provider.health()
        assert (health.status, health.remedy) == (HealthStatus.UNAVAILABLE, "rider ollama pull no-such-model:latest")
        with pytest.raises(ModelError, match="rider ollama pull no-such-model"):
            provider.open()
        assert provider.models()

    def test_health(self, opened: OllamaTextGenerator) -> None:
        assert opened.health().status is HealthStatus.OK


def test_several_threads_ask_for_health_meanwhile(opened: OllamaTextGenerator) -> None:
    found: list[HealthStatus] = []
    stream = opened.generate_stream(ask())
    next(stream)
    threads = [threading.Thread(target=lambda: found.append(opened.health().status)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    stream.close()
    assert found == [HealthStatus.OK] * 4
