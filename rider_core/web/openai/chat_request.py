"""The body of a chat request as OpenAI's clients send it, and its conversion to a `GenerateRequest`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field

from rider_core.api.messages import Message
from rider_core.api.text_generation import (
    MAX_HISTORY,
    MAX_PROMPT_CHARACTERS,
    MAX_TOOLS,
    TOOL_PATTERN,
    ChatMessage,
    GenerateRequest,
    JsonSchema,
)
from rider_core.web.openai.errors import WrongParameter
from rider_core.web.openai.requests import parse_fields, refuse_unless

#: Limit where the client sets none: a long answer, and what ten tokens a second generate within the task's timeout.
DEFAULT_MAX_TOKENS = 1_024
#: Our providers generate no more. A higher limit is lowered to this one; `finish_reason` says if the answer was cut.
MAX_TOKENS = 8_192
MAX_MODEL_ID = 200
#: Messages in one conversation. Providers get the last `MAX_HISTORY` and one.
MAX_TURNS = 10_000
#: Prompt if the conversation ends with the assistant's turn. OpenAI's models continue it without one.
CONTINUE = "Go on from exactly where your last message ends. Repeat nothing of it."
#: Parts of text in one message.
MAX_PARTS = 100

#: Unsupported parameters that would change the answer, each with the values that leave it unchanged.
_NEUTRAL_VALUES: dict[str, Sequence[Any]] = {
    "n": (1,),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "audio": (),
    "web_search_options": (),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
}
#: Parameters for OpenAI's own accounting, which change no answer.
_WITHOUT_EFFECT = frozenset(
    {
        "metadata",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)


class _Lenient(Message):
    """Keeps unknown fields, so that they can be checked by name."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class ContentPart(_Lenient):
    type: str = Field(max_length=64, description="only `text` can be read here")
    text: str | None = Field(None, description="of a part of that type")


class CalledFunction(_Lenient):
    name: str = Field(max_length=64, description="of the tool")
    arguments: str = Field(max_length=MAX_PROMPT_CHARACTERS, description="of the call, as JSON text")


class CalledTool(_Lenient):
    id: str = Field("", max_length=200, description="referred to by the turn with the result")
    function: CalledFunction = Field(description="name and arguments")


class ChatTurn(_Lenient):
    role: str = Field(max_length=32, description="system, developer, user, assistant or tool")
    content: str | list[ContentPart] | None = Field(None, description="a text, whole or in parts")
    tool_calls: list[CalledTool] | None = Field(None, max_length=MAX_TOOLS, description="of an assistant's turn")
    tool_call_id: str | None = Field(None, max_length=200, description="of a tool's: which call it answers")

    @property
    def is_system(self) -> bool:
        return self.role in ("system", "developer")


class JsonSchemaForm(_Lenient):
    json_schema: JsonSchema | None = Field(None, alias="schema", description="JSON schema of the answer")


class ResponseFormat(_Lenient):
    type: Literal["text", "json_object", "json_schema"] = Field(description="json_object: any object")
    json_schema: JsonSchemaForm | None = Field(None, description="of that type")


class FunctionDefinition(_Lenient):
    name: str = Field(pattern=TOOL_PATTERN, description="name for the model")
    description: str | None = Field(None, max_length=4_000, description="for the model")
    parameters: JsonSchema | None = Field(None, description="JSON schema of the arguments")


class FunctionTool(_Lenient):
    type: Literal["function"] = Field(description="no other kind is known")
    function: FunctionDefinition = Field(description="name, description and parameters")


class NamedFunction(_Lenient):
    name: str = Field(max_length=64, description="one of `tools`")


class NamedTool(_Lenient):
    type: Literal["function"] = Field(description="no other kind is known")
    function: NamedFunction = Field(description="the function that must be called")


class StreamOptions(_Lenient):
    include_usage: bool | None = Field(None, description="add a last chunk with the numbers of tokens")


class ChatRequest(_Lenient):
    """Body of `POST /v1/chat/completions`."""

    model: str = Field(min_length=1, max_length=MAX_MODEL_ID, description="one of `/v1/models`")
    messages: list[ChatTurn] = Field(min_length=1, max_length=MAX_TURNS, description="the conversation in order")
    max_tokens: int | None = Field(None, ge=1, description="the older name of the next one")
    max_completion_tokens: int | None = Field(None, ge=1, description="length limit of the answer")
    temperature: float | None = Field(None, ge=0, le=2, description="0: always the likeliest token")
    top_p: float | None = Field(None, ge=0, le=1, description="nucleus sampling; 0: always the likeliest token")
    seed: int | None = Field(None, ge=-(2**63), lt=2**64, description="the same seed gives the same answer")
    stop: str | list[str] | None = Field(None, description="the answer ends before any of these")
    stream: bool | None = Field(None, description="answer in chunks as they are generated")
    response_format: ResponseFormat | None = Field(None, description="plain text, or JSON of a form")
    tools: list[FunctionTool] | None = Field(None, max_length=MAX_TOOLS, description="tools that the model may call")
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = Field(None, description="whether to call one")
    stream_options: StreamOptions | None = Field(None, description="for streams only")

    @property
    def ignored(self) -> set[str]:
        """Names of parameters that are unknown here, or only advisory."""
        return set(self.model_extra or {}) - _WITHOUT_EFFECT - set(_NEUTRAL_VALUES)

    @property
    def turns_left_out(self) -> int:
        """Number of the oldest turns that the provider does not get."""
        return max(0, sum(not turn.is_system for turn in self.messages) - MAX_HISTORY - 1)

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    def to_request(self, model: str | None) -> GenerateRequest:
        """The request for a provider.

        Args:
            model: One of the provider's models; None: its default.

        Raises:
            WrongParameter: a parameter is not supported.
        """
        refuse_unless(self.model_extra or {}, _NEUTRAL_VALUES, "GET /v1/models lists what answers in plain text")
        limit = self.max_completion_tokens or self.max_tokens or DEFAULT_MAX_TOKENS
        # top_p 0 leaves the likeliest token only.
        greedy = self.top_p == 0
        fields = {
            **_conversation(self.messages),
            "model": model,
            "max_tokens": min(limit, MAX_TOKENS),
            "temperature": 0 if greedy else self.temperature,
            "top_p": None if greedy else self.top_p,
            # A GenerateRequest has a seed of 32 bits; equal seeds stay equal.
            "seed": None if self.seed is None else self.seed % 2**32,
            "stop": [self.stop] if isinstance(self.stop, str) else self.stop,
            "json_schema": self._schema(),
            **self._tools(),
        }
        return parse_fields(GenerateRequest, {name: value for name, value in fields.items() if value is not None})

    def _schema(self) -> dict[str, Any] | None:
        form = self.response_format
        if form is None or form.type == "text":
            return None
        if form.type == "json_schema":
            if form.json_schema is None or form.json_schema.json_schema is None:
                param = "response_format.json_schema.schema"
                raise WrongParameter(f"{param} is missing", param, reason="missing_required_parameter")
            return form.json_schema.json_schema
        return {}

    def _tools(self) -> dict[str, Any]:
        """The fields `tools` and `tool_required`."""
        if not self.tools or self.tool_choice == "none":
            return {}
        functions = [tool.function for tool in self.tools]
        if isinstance(self.tool_choice, NamedTool):
            name = self.tool_choice.function.name
            functions = [function for function in functions if function.name == name]
            if not functions:
                raise WrongParameter(f"tool_choice names {name!r}, which is not among tools", "tool_choice")
        tools = [
            {
                "name": function.name,
                "description": function.description or "",
                **({"parameters": function.parameters} if function.parameters else {}),
            }
            for function in functions
        ]
        return {"tools": tools, "tool_required": self.tool_choice not in (None, "auto")}


def _conversation(turns: Sequence[ChatTurn]) -> dict[str, Any]:
    """`prompt`, `history` and `system_prompt`."""
    system: list[str] = []
    messages: list[ChatMessage] = []
    called: dict[str, str] = {}
    for number, turn in enumerate(turns):
        text, role = _text_of(turn, number, called), _role_of(turn, number)
        if role == "system":
            system.append(text)
        else:
            messages.append(ChatMessage(role=role, content=text))
    if not messages:  # system messages only: they are the prompt
        messages, system = [ChatMessage(role="user", content=_limited("\n\n".join(system), "messages"))], []
    elif messages[-1].role == "assistant":
        messages.append(ChatMessage(role="user", content=CONTINUE))
    *history, last = messages[-MAX_HISTORY - 1 :]
    if not last.content.strip():
        raise WrongParameter("the last message is empty", f"messages[{len(turns) - 1}].content", reason="invalid_value")
    joined = _limited("\n\n".join(system), "messages")
    return {"prompt": last.content, "history": history, "system_prompt": joined or None}


def _role_of(turn: ChatTurn, number: int) -> Literal["system", "user", "assistant"]:
    if turn.is_system:
        return "system"
    if turn.role in ("user", "tool"):
        return "user"
    if turn.role == "assistant":
        return "assistant"
    raise WrongParameter(
        f"messages[{number}].role is {turn.role!r}",
        f"messages[{number}].role",
        remedy="use system, user, assistant or tool",
    )


def _text_of(turn: ChatTurn, number: int, called: dict[str, str]) -> str:
    """The text of a turn. Tool calls and their results become text: few local models have turns for them.

    Args:
        called: Names of tools by the calls' ids; this turn's are added.
    """
    param = f"messages[{number}].content"
    if turn.tool_calls:
        called.update({call.id: call.function.name for call in turn.tool_calls})
        lines = [
            f'{{"tool": {json.dumps(it.function.name)}, "arguments": {it.function.arguments or "{}"}}}'
            for it in turn.tool_calls
        ]
        words = [_words_of(turn, number)] if turn.content else []
        return _limited("\n".join([*words, *lines]), param)
    if turn.role == "tool":
        name = called.get(turn.tool_call_id or "", "the tool")
        return _limited(f"What {name} gave:\n{_words_of(turn, number)}", param)
    return _words_of(turn, number)


def _words_of(turn: ChatTurn, number: int) -> str:
    param = f"messages[{number}].content"
    if turn.content is None:
        raise WrongParameter(f"{param} is missing", param, reason="missing_required_parameter")
    if isinstance(turn.content, str):
        return _limited(turn.content, param)
    if len(turn.content) > MAX_PARTS:
        raise WrongParameter(f"{param} has {len(turn.content)} parts, the limit is {MAX_PARTS}", param)
    texts: list[str] = []
    for index, part in enumerate(turn.content):
        if part.type != "text" or part.text is None:
            raise WrongParameter(
                f"{param}[{index}] is of type {part.type!r}; the engines here read text only",
                f"{param}[{index}].type",
                remedy="send parts of type text",
            )
        texts.append(part.text)
    return _limited("\n".join(texts), param)


def _limited(text: str, param: str) -> str:
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise WrongParameter(
            f"{param} has {len(text)} characters, the limit is {MAX_PROMPT_CHARACTERS}",
            param,
            reason="string_above_max_length",
        )
    return text
