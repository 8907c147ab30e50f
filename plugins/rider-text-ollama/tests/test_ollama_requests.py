"""Requests and secrets sent to the server, thinking, JSON, tools, and model identity."""

from __future__ import annotations

import json
import re

import pytest
from fake_ollama import RAW, TALKER, THINKER, FakeOllama
from ollama_harness import ask, collect_until_error, make_provider
from rider_text_ollama import OllamaTextGenerator

from rider_core.api import Tool
from rider_core.errors import InvalidInput


class TestThinking:
    @pytest.mark.parametrize("model", [THINKER, RAW])
    def test_is_removed(self, provider: OllamaTextGenerator, model: str) -> None:
        text = provider.generate(ask(model=model)).text
        assert text.startswith("A stand-in says:")
        assert "thinks" not in text

    def test_is_switched_off(self, fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
        provider.generate(ask())
        assert fake_ollama.last("/api/chat")["think"] is False


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "big": {"type": "boolean"}}}


class TestJson:
    def test_of_a_form(self, fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
        answer = provider.generate(ask(json_schema=SCHEMA, max_tokens=100))
        assert fake_ollama.last("/api/chat")["format"] == SCHEMA
        assert json.loads(answer.text) == {"city": "word", "big": True}

    def test_of_any_form(self, fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
        provider.generate(ask(json_schema={}))
        assert fake_ollama.last("/api/chat")["format"] == "json"
        provider.generate(ask())
        assert "format" not in fake_ollama.last("/api/chat")


class TestTools:
    TOOL = Tool(name="get_weather", description="How it is.", parameters={"type": "object", "properties": {}})

    def test_are_the_servers_own(self, fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
        answer = provider.generate(ask(prompt="use get_weather now", tools=(self.TOOL,)))
        (sent,) = fake_ollama.last("/api/chat")["tools"]
        assert sent == {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "How it is.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
        assert [(call.name, call.arguments) for call in answer.tool_calls] == [("get_weather", {"city": "Kraków"})]
        assert (answer.finish_reason, answer.text) == ("tool_calls", "")

    def test_are_not_used_where_none_helps(self, provider: OllamaTextGenerator) -> None:
        answer = provider.generate(ask(prompt="say something", tools=(self.TOOL,)))
        assert answer.tool_calls == ()
        assert answer.text

    def test_are_unknown_to_the_model(self, provider: OllamaTextGenerator) -> None:
        with pytest.raises(InvalidInput, match="does not support tools"):
            provider.generate(ask(model=RAW, tools=(self.TOOL,)))


class TestWhatIsSent:
    def test_options(self, fake_ollama: FakeOllama) -> None:
        provider = make_provider(fake_ollama.url, context_tokens=4096, keep_alive_s=60, system_prompt="Be a robot.")
        provider.open()
        provider.generate(ask(seed=3, top_p=0.5, stop=("x", "y"), temperature=0.25))
        body = fake_ollama.last("/api/chat")
        provider.close()
        assert body["options"] == {
            "num_predict": 8, "temperature": 0.25, "top_p": 0.5, "seed": 3, "stop": ["x", "y"], "num_ctx": 4096
        }  # fmt: skip
        assert (body["keep_alive"], body["stream"], body["model"]) == (60, True, TALKER)
        assert body["messages"] == [
            {"role": "system", "content": "Be a robot."}, {"role": "user", "content": "Who are you?"}
        ]  # fmt: skip

    def test_what_is_not_set_is_left_to_the_server(
        self, fake_ollama: FakeOllama, provider: OllamaTextGenerator
    ) -> None:
        provider.generate(ask(temperature=None))
        body = fake_ollama.last("/api/chat")
        assert "keep_alive" not in body
        assert body["options"] == {"num_predict": 8, "top_p": 1.0}

    def test_proxies_are_not_used(self, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert make_provider(fake_ollama.url).models()

    def test_the_api_key_is_not_sent_over_http(self, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_API_KEY", "canary")
        make_provider(fake_ollama.url).models()
        assert "canary" not in str(fake_ollama.requests)

    def test_credentials_reach_the_server_alone(
        self, fake_ollama: FakeOllama, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        provider = make_provider(fake_ollama.url.replace("://", "://ada:can%20ary@"))
        provider.open()
        fake_ollama.fault = "401"
        _, error = collect_until_error(provider, ask())
        assert "Basic YWRhOmNhbiBhcnk=" in str(fake_ollama.requests)
        shown = [repr(provider.config), str(provider.config.model_dump()), repr(provider.config.address)]
        shown += [str(provider.details()), str(provider.health()), str(error), repr(error), caplog.text]
        provider.close()
        assert not [text for text in shown if "canary" in text or "can%20ary" in text or "can ary" in text]


class TestIdentity:
    def test_is_name_and_digest(self, fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
        default = provider.model_identity(ask())
        assert default == provider.model_identity(ask(model="stand-in"))
        assert re.fullmatch(r"stand-in:latest@[0-9a-f]{64}", default)
        assert provider.model_identity(ask(model=RAW)) != default
        assert provider.model_identity(ask(model="nonesuch")) == "nonesuch:latest@"

    def test_a_model_that_was_pulled_anew_is_another(
        self, fake_ollama: FakeOllama, provider: OllamaTextGenerator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rider_text_ollama.provider.IDENTITY_AGE_S", 0.0)
        before = provider.model_identity(ask())
        fake_ollama.version += 1
        assert provider.model_identity(ask()) != before

    def test_is_cached(self, fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
        fake_ollama.requests.clear()
        for _ in range(10):
            provider.model_identity(ask())
        assert len(fake_ollama.requests) <= 2


def test_embedding_models_are_not_offered(fake_ollama: FakeOllama) -> None:
    assert not [name for name in make_provider(fake_ollama.url).models() if "embed" in name]
