"""What is sent to the server and what is kept from it, what is made of its answers, and which model that was."""

from __future__ import annotations

import json
import re

import pytest
from ollama_in_tests import ask, gather, made
from ollama_stand_in import RAW, TALKER, THINKER, StandIn
from rider_text_ollama import OllamaTextGenerator

from rider_core.api import Tool
from rider_core.errors import InvalidInput


class TestThinking:
    @pytest.mark.parametrize("model", [THINKER, RAW])
    def test_is_not_said(self, provider: OllamaTextGenerator, model: str) -> None:
        text = provider.generate(ask(model=model)).text
        assert text.startswith("A stand-in says:")
        assert "thinks" not in text

    def test_is_not_asked_for(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        provider.generate(ask())
        assert stand_in.last("/api/chat")["think"] is False


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "big": {"type": "boolean"}}}


class TestJson:
    def test_of_a_form(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        answer = provider.generate(ask(json_schema=SCHEMA, max_tokens=100))
        assert stand_in.last("/api/chat")["format"] == SCHEMA
        assert json.loads(answer.text) == {"city": "word", "big": True}

    def test_of_any_form(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        provider.generate(ask(json_schema={}))
        assert stand_in.last("/api/chat")["format"] == "json"
        provider.generate(ask())
        assert "format" not in stand_in.last("/api/chat")


class TestTools:
    TOOL = Tool(name="get_weather", description="How it is.", parameters={"type": "object", "properties": {}})

    def test_are_the_servers_own(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        answer = provider.generate(ask(prompt="use get_weather now", tools=(self.TOOL,)))
        (sent,) = stand_in.last("/api/chat")["tools"]
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
    def test_options(self, stand_in: StandIn) -> None:
        provider = made(stand_in.url, context_tokens=4096, keep_alive_s=60, system_prompt="Be a robot.")
        provider.open()
        provider.generate(ask(seed=3, top_p=0.5, stop=("x", "y"), temperature=0.25))
        body = stand_in.last("/api/chat")
        provider.close()
        assert body["options"] == {
            "num_predict": 8, "temperature": 0.25, "top_p": 0.5, "seed": 3, "stop": ["x", "y"], "num_ctx": 4096
        }  # fmt: skip
        assert (body["keep_alive"], body["stream"], body["model"]) == (60, True, TALKER)
        assert body["messages"] == [
            {"role": "system", "content": "Be a robot."}, {"role": "user", "content": "Who are you?"}
        ]  # fmt: skip

    def test_what_is_not_set_is_left_to_the_server(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        provider.generate(ask(temperature=None))
        body = stand_in.last("/api/chat")
        assert "keep_alive" not in body
        assert body["options"] == {"num_predict": 8, "top_p": 1.0}

    def test_proxies_are_for_others(self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert made(stand_in.url).models()

    def test_the_key_for_the_makers_cloud_goes_nowhere_in_the_clear(
        self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OLLAMA_API_KEY", "canary")
        made(stand_in.url).models()
        assert "canary" not in str(stand_in.requests)

    def test_credentials_reach_the_server_and_nobody_else(
        self, stand_in: StandIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        provider = made(stand_in.url.replace("://", "://ada:can%20ary@"))
        provider.open()
        stand_in.fault = "401"
        _, error = gather(provider, ask())
        assert "Basic YWRhOmNhbiBhcnk=" in str(stand_in.requests)
        shown = [repr(provider.config), str(provider.config.model_dump()), repr(provider.config.address)]
        shown += [str(provider.details()), str(provider.health()), str(error), repr(error), caplog.text]
        provider.close()
        assert not [text for text in shown if "canary" in text or "can%20ary" in text or "can ary" in text]


class TestIdentity:
    def test_is_name_and_digest(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        default = provider.model_identity(ask())
        assert default == provider.model_identity(ask(model="stand-in"))
        assert re.fullmatch(r"stand-in:latest@[0-9a-f]{64}", default)
        assert provider.model_identity(ask(model=RAW)) != default
        assert provider.model_identity(ask(model="nonesuch")) == "nonesuch:latest@"

    def test_a_model_that_was_pulled_anew_is_another(
        self, stand_in: StandIn, provider: OllamaTextGenerator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rider_text_ollama.provider.IDENTITY_AGE_S", 0.0)
        before = provider.model_identity(ask())
        stand_in.version += 1
        assert provider.model_identity(ask()) != before

    def test_is_not_asked_for_every_time(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        stand_in.requests.clear()
        for _ in range(10):
            provider.model_identity(ask())
        assert len(stand_in.requests) <= 2


def test_models_for_vectors_are_not_offered(stand_in: StandIn) -> None:
    assert not [name for name in made(stand_in.url).models() if "embed" in name]
