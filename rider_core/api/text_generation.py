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
#: Limit of a request's turns; of a longer conversation the oldest must be left out.
MAX_HISTORY = 100
MAX_MODEL_NAME = 128
PRESET_PATTERN = r"^[a-z][a-z0-9-]{0,31}$"

#: Limit of a JSON schema, in characters.
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

    role: Literal["system", "user", "assistant"] = Field(description="the author; system: the system prompt")
    content: str = Field(max_length=MAX_PROMPT_CHARACTERS, description="the text")


class Tool(Message):
    """A tool of the caller, which the model may call."""

    name: str = Field(pattern=TOOL_PATTERN, description="name for the model")
    description: str = Field("", max_length=4_000, description="for the model: what it does, and when to use it")
    parameters: JsonSchema = Field({"type": "object"}, description="JSON schema of the arguments, an object")


class ToolCall(Message):
    """A call of a tool by the model."""

    name: str = Field(pattern=TOOL_PATTERN, description="the tool")
    arguments: dict[str, Any] = Field(description="the arguments")


class GenerateRequest(Message):
    """Payload of a `text.generate` job."""

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="the user's message")
    history: tuple[ChatMessage, ...] = Field((), max_length=MAX_HISTORY, description="the turns before it, in order")
    system_prompt: str | None = Field(None, max_length=MAX_PROMPT_CHARACTERS, description="None: that of `preset`")
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
        None, ge=0, le=2, description="0: always the likeliest token; None: the engine's default"
    )
    top_p: float | None = Field(None, gt=0, le=1, description="nucleus sampling: share of probability; None: all")
    seed: int | None = Field(None, ge=0, lt=2**32, description="the same seed gives the same answer; None: random")
    stop: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        (), max_length=4, description="stop sequences, which are not part of the answer"
    )
    json_schema: JsonSchema | None = Field(
        None, description="the answer is JSON that fits this schema; {}: any object; None: plain text"
    )
    tools: tuple[Tool, ...] = Field((), max_length=MAX_TOOLS, description="tools that the model may call")
    tool_required: bool = Field(False, description="it must call one of them")
    cache: bool | None = Field(None, description="use the answer cache; None: where the answer is deterministic")

    @property
    def deterministic(self) -> bool:
        """Whether the same request gives the same answer."""
        return self.temperature == 0 or self.seed is not None

    def messages(self, default_system: str = "") -> list[ChatMessage]:
        """The conversation for chat models, in order: system prompt, history, prompt."""
        system = default_system if self.system_prompt is None else self.system_prompt
        first = [ChatMessage(role="system", content=system)] if system else []
        return [*first, *self.history, ChatMessage(role="user", content=self.prompt)]


class TextDelta(Result):
    """Partial result of a `text.generate` job: the next piece of the answer."""

    seq: int = Field(ge=0, description="0, 1, 2, ... in order")
    text: str = Field(description="to be appended to the pieces before")


class GeneratedText(Result):
    """Result of a `text.generate` job."""

    text: str = Field(description="the whole answer")
    model: str | None = Field(None, description="the model; None: the provider has only one")
    finish_reason: FinishReason = Field("stop", description="stop: it is complete; length: `max_tokens` cut it off")
    prompt_tokens: int | None = Field(None, ge=0, description="tokens of the prompt; None: not counted")
    completion_tokens: int | None = Field(None, ge=0, description="tokens of the answer; None: not counted")
    # Excluded where empty: a list in a result costs Python's garbage collector more time than parsing it.
    tool_calls: tuple[ToolCall, ...] = Field((), exclude_if=operator.not_, description="tools that the model calls")
    from_cache: bool = Field(False, description="from the answer cache")


@dataclass(frozen=True)
class GenerationEnd:
    """Metadata of a complete answer.

    Attributes:
        model: Name of the model.
        finish_reason: "length" where `max_tokens` cut it off.
        prompt_tokens: Tokens of the prompt.
        completion_tokens: Tokens of the answer.
        from_cache: From the answer cache. Not set by engines.
        tool_calls: The model's tool calls; only of engines with the ability "tools".
    """

    model: str | None = None
    finish_reason: FinishReason = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    from_cache: bool = False
    tool_calls: tuple[ToolCall, ...] = ()


#: Yields the pieces of an answer, and returns its metadata, or None without any.
TextStream = Generator[str, None, GenerationEnd | None]


class TextGenerator(Provider):
    """Base of language models.

    Attributes:
        abilities: "json": answers fit a request's `json_schema`; "tools": the model gets `tools`, and its calls are
            returned. An engine never gets requests that need another ability; for one with "json" alone, tools are
            converted to a JSON schema.
    """

    domain: ClassVar[str] = "text_generation"
    abilities: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def lacks(cls, request: GenerateRequest) -> Literal["", "tools", "json_schema"]:
        """The ability that the request needs and the engine lacks; empty: none."""
        if "json" in cls.abilities or (request.tools and "tools" in cls.abilities and not request.tool_required):
            return ""
        return "tools" if request.tools else "json_schema" if request.json_schema is not None else ""

    @abstractmethod
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        """The answer in pieces. Closing the iterator early stops the engine.

        Raises:
            InvalidInput: the provider has no such model, or the conversation does not fit in the model's context.
        """

    def models(self) -> tuple[str, ...]:
        """The models that a request may name, the default first. Empty: only one, without a name.

        Also called without `open()`.

        Raises:
            ProviderUnavailable: the engine's server does not answer.
        """
        return ()

    def model_identity(self, request: GenerateRequest) -> str:
        """Identity of the request's model for the answer cache: its name, better with a digest.

        Override it where the model does not depend on the settings alone.

        Raises:
            ProviderUnavailable: the engine's server does not answer.
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
        with batches."""
        return [self.generate(request) for request in requests]


def generated_text(text: str, end: GenerationEnd | None) -> GeneratedText:
    """A complete answer with its metadata."""
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
