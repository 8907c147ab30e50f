"""The contract of language models."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import ClassVar

import pytest

from rider_core.api.text_generation import (
    MAX_PROMPT_CHARACTERS,
    ChatMessage,
    GeneratedText,
    GenerateRequest,
    TextGenerator,
)
from rider_core.errors import InvalidInput
from rider_core.testing.provider import ProviderContract

_HISTORY = (
    ChatMessage(role="system", content="Be kind."),
    ChatMessage(role="user", content="My name is Ada."),
    ChatMessage(role="assistant", content="Hello Ada!"),
)
_ODD_PROMPTS = (" ", "\x00", "<|im_end|>", "\u202eabc", "\U0001f600", "%s{0}{{", "x" * MAX_PROMPT_CHARACTERS)


class TextGeneratorContract(ProviderContract):
    """Subclass it and set `provider_class`.

    Attributes:
        prompt: Something that the model answers in several tokens.
        max_tokens: Length limit of the answers in these tests.
    """

    provider_class: ClassVar[type[TextGenerator]]
    prompt: ClassVar[str] = "Say three words."
    max_tokens: ClassVar[int] = 16

    def request(self, prompt: str | None = None, *, max_tokens: int | None = None) -> GenerateRequest:
        return GenerateRequest(prompt=prompt or self.prompt, max_tokens=max_tokens or self.max_tokens, temperature=0)

    def test_stream(self, provider: TextGenerator) -> None:
        assert check_deltas(provider, self.request()).strip(), "the answer is empty"

    def test_generate(self, provider: TextGenerator) -> None:
        answer = provider.generate(self.request())
        assert isinstance(answer, GeneratedText), f"got {answer!r}, not a GeneratedText"
        assert answer.text.strip(), "the answer is empty"

    def test_length_limit(self, provider: TextGenerator) -> None:
        shortest = check_deltas(provider, self.request(max_tokens=1))
        # No tokenizer has longer tokens for ordinary text.
        assert len(shortest) <= 64, f"one token gave {len(shortest)} characters"

    def test_system_prompt(self, provider: TextGenerator) -> None:
        check_deltas(provider, self.request().model_copy(update={"system_prompt": "Answer in one word."}))

    def test_history(self, provider: TextGenerator) -> None:
        check_deltas(provider, self.request().model_copy(update={"history": _HISTORY}))

    def test_its_models_can_be_asked_for(self, provider: TextGenerator) -> None:
        names = provider.models()
        assert len(set(names)) == len(names), f"models() names one twice: {names}"
        for name in names:
            answer = provider.generate(self.request().model_copy(update={"model": name}))
            assert answer.text.strip(), f"the answer of {name} is empty"
            assert answer.model in (None, name), f"{name} was asked for, and {answer.model} answered"

    def test_models_without_open(self, provider: TextGenerator) -> None:
        assert self.new_provider().models() == provider.models()

    def test_unknown_model_is_refused(self, provider: TextGenerator) -> None:
        if provider.models():  # otherwise there is but one, whatever the request says
            with pytest.raises(InvalidInput, match="no-such-model"):
                provider.generate(self.request().model_copy(update={"model": "no-such-model"}))

    @pytest.mark.parametrize("choice", [{"temperature": 0}, {"temperature": 1, "seed": 7}], ids=["likeliest", "seed"])
    def test_same_request_same_answer(self, provider: TextGenerator, choice: dict[str, float]) -> None:
        request = self.request().model_copy(update=choice)
        first = provider.generate(request)
        provider.generate(request.model_copy(update={"system_prompt": "Be brief."}))
        provider.generate(request.model_copy(update={"temperature": 1, "seed": None}))
        assert provider.generate(request).text == first.text

    def test_json(self, provider: TextGenerator) -> None:
        if "json" not in provider.abilities:  # a request that wants it never reaches the engine
            return
        schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
        for form in (schema, {**schema, "additionalProperties": False}):
            request = self.request(max_tokens=64).model_copy(update={"json_schema": form})
            answer = provider.generate(request)
            if answer.finish_reason == "stop":
                assert isinstance(json.loads(answer.text)["ok"], bool), answer.text
            assert answer.text.lstrip().startswith("{"), answer.text

    def test_stop(self, provider: TextGenerator) -> None:
        whole = provider.generate(self.request()).text
        for stop in (whole[len(whole) // 2 :][:3], whole[-1]):
            answer = provider.generate(self.request().model_copy(update={"stop": ("\x01", stop)}))
            assert answer.text == whole[: whole.find(stop)], f"it should end before {stop!r}"
            assert answer.finish_reason == "stop"

    def test_says_when_it_was_cut(self, provider: TextGenerator) -> None:
        answer = provider.generate(self.request(max_tokens=1))
        assert answer.finish_reason == "length", "max_tokens cut the answer off, and it does not say so"

    def test_token_counts(self, provider: TextGenerator) -> None:
        for limit in (1, self.max_tokens):
            answer = provider.generate(self.request(max_tokens=limit))
            if answer.completion_tokens is not None:
                least = limit if answer.finish_reason == "length" else 1
                assert least <= answer.completion_tokens <= limit, answer
            if answer.prompt_tokens is not None:
                # A token is a byte at least; the engine's own words around the prompt are not many.
                assert 1 <= answer.prompt_tokens <= len(self.prompt.encode()) + 1_000, answer

    @pytest.mark.parametrize("prompt", _ODD_PROMPTS, ids=lambda prompt: ascii(prompt[:12]))
    def test_odd_prompt_is_answered_or_refused_and_does_no_harm(self, provider: TextGenerator, prompt: str) -> None:
        with suppress(InvalidInput):
            check_deltas(provider, self.request(prompt))
        check_deltas(provider, self.request())

    def test_closing_early_leaves_nothing_behind(self, provider: TextGenerator) -> None:
        before = set(threading.enumerate())
        stream = provider.generate_stream(self.request())
        next(stream)
        stream.close()
        self.check_no_new_threads(before)
        check_deltas(provider, self.request())


def check_deltas(provider: TextGenerator, request: GenerateRequest) -> str:
    """All pieces of the answer, each checked, as one text."""
    deltas = list(provider.generate_stream(request))
    for delta in deltas:
        assert isinstance(delta, str), f"got {delta!r}, not a str"
        assert delta, "an empty piece of an answer"
    return "".join(deltas)
