"""The contract of language models."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import ClassVar

import pytest

from rider_core.api.text_generation import MAX_PROMPT_CHARACTERS, GeneratedText, GenerateRequest, TextGenerator
from rider_core.errors import InvalidInput
from rider_core.testing.provider import ProviderContract

_ODD_PROMPTS = (" ", "\x00", "<|im_end|>", "\u202eabc", "\U0001f600", "%s{0}{{", "x" * MAX_PROMPT_CHARACTERS)


class TextGeneratorContract(ProviderContract):
    """Subclass it and set `provider_class`.

    Attributes:
        prompt: Something that the model answers.
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
