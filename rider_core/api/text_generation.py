"""Text generation: the request, the pieces of an answer, and the base class of the engines."""

from __future__ import annotations

import json
import operator
from abc import abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from rider_core.api.languages import Language
from rider_core.api.messages import Message, Result
from rider_core.api.provider import Provider

MAX_PROMPT_CHARACTERS = 32_000
#: Turns of a conversation that a request may carry; whoever talks longer leaves out the oldest.
MAX_HISTORY = 100
MAX_MODEL_NAME = 128
PRESET_PATTERN = r"^[a-z][a-z0-9-]{0,31}$"

#: Of a JSON schema that an answer is to keep, in characters.
MAX_SCHEMA_CHARACTERS = 32_000
MAX_TOOLS = 64
TOOL_PATTERN = r"^[A-Za-z0-9_.-]{1,64}$"

FinishReason = Literal["stop", "length", "tool_calls"]


def _of_bounded_size(schema: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(schema))
    if size > MAX_SCHEMA_CHARACTERS:
        raise ValueError(f"it has {size} characters, the limit is {MAX_SCHEMA_CHARACTERS}")
    return schema


JsonSchema = Annotated[dict[str, Any], AfterValidator(_of_bounded_size)]


class ChatMessage(Message):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"] = Field(description="who said it; system: how to behave")
    content: str = Field(max_length=MAX_PROMPT_CHARACTERS, description="the words")


class Tool(Message):
    """Something that whoever asks can do, if the model wants it."""

    name: str = Field(pattern=TOOL_PATTERN, description="how the model calls it")
    description: str = Field("", max_length=4_000, description="for the model: what it does, and when to use it")
    parameters: JsonSchema = Field({"type": "object"}, description="JSON schema of the arguments, an object")


class ToolCall(Message):
    """The model wants a tool to be used."""

    name: str = Field(pattern=TOOL_PATTERN, description="which one")
    arguments: dict[str, Any] = Field(description="with what")


class GenerateRequest(Message):
    """Payload of a `text.generate` job."""

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="what the person said or asked")
    history: tuple[ChatMessage, ...] = Field((), max_length=MAX_HISTORY, description="what was said before, in order")
    system_prompt: str | None = Field(
        None, max_length=MAX_PROMPT_CHARACTERS, description="how to behave; None: as `preset` says"
    )
    preset: str | None = Field(
        None, pattern=PRESET_PATTERN, description="a system prompt by name; None: the provider's default"
    )
    language: Language | None = Field(
        None, description="of that preset, a tag such as pl or pl-PL; None: as in the settings"
    )
    model: str | None = Field(
        None, min_length=1, max_length=MAX_MODEL_NAME, description="one of the provider's models; None: its default"
    )
    max_tokens: int = Field(256, ge=1, le=8_192, description="length limit of the answer in tokens")
    temperature: float | None = Field(
        None, ge=0, le=2, description="0: always the likeliest answer; None: what suits the engine"
    )
    top_p: float | None = Field(None, gt=0, le=1, description="share of probability that is chosen from; None: all")
    seed: int | None = Field(None, ge=0, lt=2**32, description="the same seed gives the same answer; None: by chance")
    stop: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        (), max_length=4, description="the answer ends before any of these"
    )
    json_schema: JsonSchema | None = Field(
        None, description="the answer is JSON that keeps this schema; {}: any object; None: plain text"
    )
    tools: tuple[Tool, ...] = Field((), max_length=MAX_TOOLS, description="what the model may ask for instead")
    tool_required: bool = Field(False, description="it must use one of them")
    cache: bool | None = Field(
        None, description="may come from the cache, and is kept there; None: where it is bound to be the same"
    )

    @property
    def deterministic(self) -> bool:
        """Whether the same request gives the same answer."""
        return self.temperature == 0 or self.seed is not None

    def messages(self, default_system: str = "") -> list[ChatMessage]:
        """The whole conversation in order, as chat models take it: how to behave, what was said before, the prompt."""
        system = default_system if self.system_prompt is None else self.system_prompt
        first = [ChatMessage(role="system", content=system)] if system else []
        return [*first, *self.history, ChatMessage(role="user", content=self.prompt)]


class TextDelta(Result):
    """Partial result of a `text.generate` job: the next piece of the answer."""

    seq: int = Field(ge=0, description="0, 1, 2, ... in order")
    text: str = Field(description="to be appended to what came before")


class GeneratedText(Result):
    """Result of a `text.generate` job."""

    text: str = Field(description="the whole answer")
    model: str | None = Field(None, description="who wrote it; None: the provider has but one")
    finish_reason: FinishReason = Field("stop", description="stop: it is complete; length: `max_tokens` cut it off")
    prompt_tokens: int | None = Field(None, ge=0, description="read; None: the engine does not count")
    completion_tokens: int | None = Field(None, ge=0, description="written; None: the engine does not count")
    # Left out where there are none: a result with a list in it costs Python's garbage collector more than its reading.
    tool_calls: tuple[ToolCall, ...] = Field(
        (), exclude_if=operator.not_, description="what the model wants to be done first"
    )
    from_cache: bool = Field(False, description="it was written before, for the same request")


@dataclass(frozen=True)
class GenerationEnd:
    """What an engine knows when its answer is complete.

    Attributes:
        model: Name of the model that wrote it.
        finish_reason: "length" where `max_tokens` cut it off.
        prompt_tokens: How many tokens were read.
        completion_tokens: How many were written.
        from_cache: It was not written now. Engines leave this alone.
        tool_calls: The tools that the model wants to use; of an engine that can do "tools".
    """

    model: str | None = None
    finish_reason: FinishReason = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    from_cache: bool = False
    tool_calls: tuple[ToolCall, ...] = ()


#: Pieces of an answer, and at its end what is known about it. An engine that knows nothing returns nothing.
TextStream = Generator[str, None, GenerationEnd | None]


class TextGenerator(Provider):
    """Base of language models.

    Attributes:
        abilities: "json": it keeps a request's `json_schema`; "tools": it gives its `tools` to the model and returns
            what that calls. Requests that need what an engine cannot do never reach it; with "json" alone it is asked
            for JSON in the tools' place.
    """

    domain: ClassVar[str] = "text_generation"
    abilities: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def lacks(cls, request: GenerateRequest) -> Literal["", "tools", "json_schema"]:
        """What the request wants and the engine cannot promise; empty: it can."""
        if "json" in cls.abilities or (request.tools and "tools" in cls.abilities and not request.tool_required):
            return ""
        return "tools" if request.tools else "json_schema" if request.json_schema is not None else ""

    @abstractmethod
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        """The answer piece by piece. Closing the iterator early stops the engine.

        Raises:
            InvalidInput: the provider has no such model, or the conversation is longer than the model can read.
        """

    def models(self) -> tuple[str, ...]:
        """The models that a request may name, the default first. Empty: there is but one, without a name.

        Called without `open()`, too.

        Raises:
            ProviderUnavailable: a server would have to be asked, and does not answer.
        """
        return ()

    def model_identity(self, request: GenerateRequest) -> str:
        """Which model would answer, so that its answers can be told from another's: a name, better with a digest.

        Override it where the default is not a matter of the settings alone.

        Raises:
            ProviderUnavailable: a server would have to be asked, and does not answer.
        """
        return request.model or ""

    def generate(self, request: GenerateRequest) -> GeneratedText:
        pieces: list[str] = []
        stream = self.generate_stream(request)
        while True:
            try:
                pieces.append(next(stream))
            except StopIteration as stopped:
                return generated_text("".join(pieces), stopped.value)

    def generate_batch(self, requests: Sequence[GenerateRequest]) -> list[GeneratedText]:
        """One answer for each request, in the same order. Override it, and set `max_batch`, where the engine is faster
        with several at a time."""
        return [self.generate(request) for request in requests]


def generated_text(text: str, end: GenerationEnd | None) -> GeneratedText:
    """A whole answer with what the engine knows about it."""
    end = end or GenerationEnd()
    return GeneratedText(
        text=text,
        model=end.model,
        finish_reason="tool_calls" if end.tool_calls else end.finish_reason,
        tool_calls=end.tool_calls,
        prompt_tokens=end.prompt_tokens,
        completion_tokens=end.completion_tokens,
        from_cache=end.from_cache,
    )
