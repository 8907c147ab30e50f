"""The provider: from a request to an Ollama server's answer."""

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
from rider_text_ollama.thinking import ThinkingFilter
from rider_text_ollama.untrusted import one_line

if TYPE_CHECKING:
    from rider_text_ollama.server import OllamaServer

#: `health` is asked while a page is drawn. All of it, the name's resolving included, is done after that time.
HEALTH_LIMIT_S = 0.5
#: What the server has is in its memory; whoever asks for it does not wait as for an answer.
LIST_TIMEOUT_S = 10.0
#: For so many seconds it is believed that a name still means the same model. A look costs about 2 ms.
IDENTITY_AGE_S = 2.0
#: Vocabularies have tokens of a few characters, and some of a hundred spaces; an answer of more was not limited.
MAX_CHARACTERS_PER_TOKEN = 256
#: Tools that one answer may want to use.
MAX_CALLS = 32


class OllamaTextGenerator(TextGenerator):
    """Any model of an Ollama server."""

    name: ClassVar[str] = "ollama"
    Config: ClassVar[type[ProviderConfig]] = OllamaConfig
    abilities: ClassVar[frozenset[str]] = frozenset({"json", "tools"})

    def __init__(self, config: OllamaConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._settings = config
        self._wanted = full_name(config.model) if config.model else None
        self._server: OllamaServer | None = None
        self._model = ""
        self._digests: dict[str, str] = {}
        self._digests_until = float("-inf")

    def open(self) -> None:
        self._model = self._default_of(self._names(LIST_TIMEOUT_S))
        self._server = self._connect(self._settings.read_timeout_s)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def details(self) -> Mapping[str, str]:
        return {"model": self._model, "server": self._settings.address.url}

    def health(self) -> Health:
        silent: type[RiderError] = import_module("rider_text_ollama.lines").Silent
        try:
            self._default_of(self._names(HEALTH_LIMIT_S))
        except silent as error:  # somebody listens; a busy machine takes its time
            return Health.degraded(error.message, error.remedy)
        except RiderError as error:
            return Health.unavailable(error.message, error.remedy)
        return Health.ok()

    def models(self) -> tuple[str, ...]:
        names = self._names(LIST_TIMEOUT_S)
        try:
            default = self._default_of(names)
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
        said, thought = 0, ThinkingFilter()
        calls: list[ToolCall] = []
        tools = [_described(tool) for tool in request.tools]
        options, keep_alive_s = self._options(request), self._settings.keep_alive_s
        with closing(server.chat(model, messages, options, keep_alive_s, request.json_schema, tools)) as pieces:
            while True:
                try:
                    piece = next(pieces)
                except ModelError as error:
                    raise self._missing(request, error) from None
                thought.thought |= piece.thought
                text = thought.feed(piece.text) + (thought.end() if piece.end else "")
                said += len(text)
                if said > request.max_tokens * MAX_CHARACTERS_PER_TOKEN:
                    raise ProviderError(
                        f"{model} went on after {said} characters, where {request.max_tokens} tokens were asked for",
                        remedy="see whether that is an Ollama server",
                    )
                calls += [_call(name, arguments) for name, arguments in piece.calls]
                if len(calls) > MAX_CALLS:
                    raise ProviderError(f"{model} wants to use more than {MAX_CALLS} tools at once")
                if text:
                    yield text
                if piece.end is not None:
                    break
        cut_off = piece.end.reason == "length"
        if not said and not calls and thought.thought:
            raise ProviderError(
                f"{model} thought and said nothing" + (f" within {request.max_tokens} tokens" if cut_off else ""),
                remedy="allow a longer answer (max_tokens), or use a model that does not think",
            )
        return GenerationEnd(
            model=model,
            finish_reason="length" if cut_off else "stop",
            prompt_tokens=piece.end.prompt_tokens,
            completion_tokens=piece.end.completion_tokens,
            tool_calls=tuple(calls),
        )

    def _options(self, request: GenerateRequest) -> dict[str, Any]:
        options: dict[str, Any] = {
            "num_predict": request.max_tokens,
            # Left out, the server would choose from nine tenths of the probability.
            "top_p": 1.0 if request.top_p is None else request.top_p,
        }
        if request.temperature is not None:  # the model's file has one
            options["temperature"] = request.temperature
        if request.seed is not None:
            options["seed"] = request.seed
        if request.stop:
            options["stop"] = list(request.stop)
        if self._settings.context_tokens is not None:
            options["num_ctx"] = self._settings.context_tokens
        return options

    def _connect(self, read_timeout_s: float, total_s: float | None = None) -> OllamaServer:
        module = import_module("rider_text_ollama.server")
        server: OllamaServer = module.OllamaServer(
            self._settings.address,
            connect_timeout_s=min(self._settings.connect_timeout_s, read_timeout_s),
            read_timeout_s=read_timeout_s,
            total_s=total_s,
        )
        return server

    def _names(self, total_s: float) -> list[str]:
        """The models for conversations that the server has, the newest first."""
        with closing(self._connect(total_s, total_s)) as server:
            return [model.name for model in server.models() if model.can_talk or model.name == self._wanted]

    def _default_of(self, names: list[str]) -> str:
        """The model that is used where a request names none. Raises `ModelError` where the server does not have it."""
        faults = import_module("rider_text_ollama.faults")
        if self._wanted is None:
            if not names:
                raise faults.no_model_yet()
            return names[0]
        if self._wanted not in names:
            raise faults.model_missing(self._wanted)
        return self._wanted

    def _missing(self, request: GenerateRequest, error: ModelError) -> RiderError:
        """A model that is missing: the caller's fault where the caller named it."""
        return InvalidInput(error.message, remedy=error.remedy) if request.model else error


def _described(tool: Tool) -> dict[str, Any]:
    """As the server's interface has it."""
    return {"type": "function", "function": tool.model_dump(mode="json")}


def _call(name: str, arguments: Mapping[str, Any]) -> ToolCall:
    try:
        return ToolCall(name=name, arguments=dict(arguments))
    except ValidationError:
        raise ProviderError(f"the Ollama server calls a tool by what is no name: {one_line(name, 80)}") from None
