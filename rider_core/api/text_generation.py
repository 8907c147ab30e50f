"""Text generation: the request, the pieces of an answer, and the base class of the engines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Sequence
from typing import ClassVar

from pydantic import Field

from rider_core.api.messages import Message, Result
from rider_core.api.provider import Provider

MAX_PROMPT_CHARACTERS = 32_000


class GenerateRequest(Message):
    """Payload of a `text.generate` job."""

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="what the person said or asked")
    system_prompt: str | None = Field(
        None, max_length=MAX_PROMPT_CHARACTERS, description="how to behave; None: the provider's default"
    )
    max_tokens: int = Field(256, ge=1, le=8_192, description="length limit of the answer in tokens")
    temperature: float = Field(0.7, ge=0, le=2, description="0: always the likeliest answer")


class TextDelta(Result):
    """Partial result of a `text.generate` job: the next piece of the answer."""

    seq: int = Field(ge=0, description="0, 1, 2, ... in order")
    text: str = Field(description="to be appended to what came before")


class GeneratedText(Result):
    """Result of a `text.generate` job."""

    text: str = Field(description="the whole answer")


class TextGenerator(Provider):
    """Base of language models."""

    domain: ClassVar[str] = "text_generation"

    @abstractmethod
    def generate_stream(self, request: GenerateRequest) -> Generator[str, None, None]:
        """The answer piece by piece. Closing the iterator early stops the engine."""

    def generate(self, request: GenerateRequest) -> GeneratedText:
        return GeneratedText(text="".join(self.generate_stream(request)))

    def generate_batch(self, requests: Sequence[GenerateRequest]) -> list[GeneratedText]:
        """One answer for each request, in the same order. Override it, and set `max_batch`, where the engine is faster
        with several at a time."""
        return [self.generate(request) for request in requests]
