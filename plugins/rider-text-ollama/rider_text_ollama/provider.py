"""The provider: sends requests to an Ollama server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from rider_core.api import (
    GenerateRequest,
    GenerationEnd,
    Health,
    ProviderConfig,
    ProviderContext,
    TextGenerator,
    Tool,
    ToolCall,
)
from rider_core.api.text_generation import TextStream
from rider_core.errors import InvalidInput, ModelError, ProviderError, ProviderUnavailable, RiderError
from rider_text_ollama.config import OllamaConfig, full_name
from rider_text_ollama.sanitize import one_line
from rider_text_ollama.thinking import ThinkingFilter

if TYPE_CHECKING:
    from rider_text_ollama.client import OllamaClient

#: Total time of a health check, name resolution included, in seconds. Pages of the panel wait for it.
HEALTH_LIMIT_S = 0.5
#: Total time of listing the models, in seconds. The server has the list in memory.
LIST_TIMEOUT_S = 10.0
#: The models' digests are cached this long, in seconds. Reading them takes about 2 ms.
IDENTITY_AGE_S = 2.0
#: Tokens have a few characters, some up to a hundred spaces. Above this the server ignored `num_predict`.
MAX_CHARACTERS_PER_TOKEN = 256
#: Limit of tool calls in one answer.
MAX_CALLS = 32


class OllamaTextGenerator(TextGenerator):
    """Any model of an Ollama server."""

    name: ClassVar[str] = "ollama"
    Config: ClassVar[type[ProviderConfig]] = OllamaConfig
    abilities: ClassVar[frozenset[str]] = frozenset({"json", "tools"})

    def __init__(self, config: OllamaConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._settings = config
        self._configured = full_name(config.model) if config.model else None
        self._server: OllamaClient | None = None
        self._model = ""
        self._digests: dict[str, str] = {}
        self._digests_until = float("-inf")

    def open(self) -> None:
        self._model = self._default_model(self._chat_models(LIST_TIMEOUT_S))
        self._server = self._connect(self._settings.read_timeout_s)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def details(self) -> Mapping[str, str]:
        return {"model": self._model, "server": self._settings.address.url}

    def health(self) -> Health:
        timeout: type[RiderError] = import_module("rider_text_ollama.ndjson").ServerTimeout
        try:
            self._default_model(self._chat_models(HEALTH_LIMIT_S))
        except timeout as error:  # the server may be busy
            return Health.degraded(error.message, error.remedy)
        except RiderError as error:
            return Health.unavailable(error.message, error.remedy)
        return Health.ok()

    def models(self) -> tuple[str, ...]:
        names = self._chat_models(LIST_TIMEOUT_S)
        try:
            default = self._default_model(names)
        except ModelError:
            return tuple(names)
        return (default, *(name for name in names if name != default))

    def model_identity(self, request: GenerateRequest) -> str:
        name = full_name(request.model) if request.model else self._model
        if time.monotonic() >= self._digests_until:
            with closing(self._connect(LIST_TIMEOUT_S, LIST_TIMEOUT_S)) as server:
                self._digests = {model.name: model.digest for model in server.models()}
            self._digests_until = time.monotonic() + IDENTITY_AGE_S
        return f"{name}@{self._digests.get(name, '')}"

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        server = self._server
        if server is None:
            raise ProviderUnavailable("the Ollama provider is not open")
        model = request.model or self._model
        messages = [
            {"role": message.role, "content": message.content}
            for message in request.messages(self._settings.system_prompt)
        ]
        length, thinking = 0, ThinkingFilter()
        calls: list[ToolCall] = []
        tools = [_tool_schema(tool) for tool in request.tools]
        options, keep_alive_s = self._options(request), self._settings.keep_alive_s
        with closing(server.chat(model, messages, options, keep_alive_s, request.json_schema, tools)) as chunks:
            while True:
                try:
                    chunk = next(chunks)
                except ModelError as error:
                    raise self._missing(request, error) from None
                thinking.thought |= chunk.thought
                text = thinking.feed(chunk.text) + (thinking.end() if chunk.end else "")
                length += len(text)
                if length > request.max_tokens * MAX_CHARACTERS_PER_TOKEN:
                    raise ProviderError(
                        f"{model} has sent {length} characters, where {request.max_tokens} tokens were requested",
                        remedy="check that it is an Ollama server",
                    )
                calls += [_call(name, arguments) for name, arguments in chunk.calls]
                if len(calls) > MAX_CALLS:
                    raise ProviderError(f"{model} calls more than {MAX_CALLS} tools in one answer")
                if text:
                    yield text
                if chunk.end is not None:
                    break
        cut_off = chunk.end.reason == "length"
        if not length and not calls and thinking.thought:
            raise ProviderError(
                f"{model} did not answer after its thinking"
                + (f" within {request.max_tokens} tokens" if cut_off else ""),
                remedy="allow a longer answer (max_tokens), or use a model that does not think",
            )
        return GenerationEnd(
            model=model,
            finish_reason="length" if cut_off else "stop",
            prompt_tokens=chunk.end.prompt_tokens,
            completion_tokens=chunk.end.completion_tokens,
            tool_calls=tuple(calls),
        )

    def _options(self, request: GenerateRequest) -> dict[str, Any]:
        options: dict[str, Any] = {
            "num_predict": request.max_tokens,
            # The server's default is 0.9.
            "top_p": 1.0 if request.top_p is None else request.top_p,
        }
        if request.temperature is not None:  # otherwise the model file's default applies
            options["temperature"] = request.temperature
        if request.seed is not None:
            options["seed"] = request.seed
        if request.stop:
            options["stop"] = list(request.stop)
        if self._settings.context_tokens is not None:
            options["num_ctx"] = self._settings.context_tokens
        return options

    def _connect(self, read_timeout_s: float, total_s: float | None = None) -> OllamaClient:
        module = import_module("rider_text_ollama.client")
        server: OllamaClient = module.OllamaClient(
            self._settings.address,
            connect_timeout_s=min(self._settings.connect_timeout_s, read_timeout_s),
            read_timeout_s=read_timeout_s,
            total_s=total_s,
        )
        return server

    def _chat_models(self, total_s: float) -> list[str]:
        """The server's chat models, the newest first."""
        with closing(self._connect(total_s, total_s)) as server:
            return [model.name for model in server.models() if model.is_chat_model or model.name == self._configured]

    def _default_model(self, names: list[str]) -> str:
        """The model of requests that name none. Raises `ModelError` where the server does not have it."""
        errors = import_module("rider_text_ollama.error_mapping")
        if self._configured is None:
            if not names:
                raise errors.no_models()
            return names[0]
        if self._configured not in names:
            raise errors.model_missing(self._configured)
        return self._configured

    def _missing(self, request: GenerateRequest, error: ModelError) -> RiderError:
        """The error for a missing model: invalid input where the request named it."""
        return InvalidInput(error.message, remedy=error.remedy) if request.model else error


def _tool_schema(tool: Tool) -> dict[str, Any]:
    """A tool in the format of Ollama's API."""
    return {"type": "function", "function": tool.model_dump(mode="json")}


def _call(name: str, arguments: Mapping[str, Any]) -> ToolCall:
    try:
        return ToolCall(name=name, arguments=dict(arguments))
    except ValidationError:
        raise ProviderError(f"the Ollama server calls a tool with an invalid name: {one_line(name, 80)}") from None
