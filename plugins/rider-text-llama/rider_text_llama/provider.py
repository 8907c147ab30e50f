"""The provider: settings, and the choice of a request's model. `open` loads the engine."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, StringConstraints

from rider_core.api import GenerateRequest, Health, ProviderConfig, ProviderContext, TextGenerator, TextStream
from rider_core.errors import InvalidInput, ModelError, ProviderUnavailable
from rider_text_llama.models import MODELS, SMOLLM2_135M

if TYPE_CHECKING:
    from rider_text_llama.engine import LlamaEngine

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]

#: Longer prompts make SmolLM2's answers wrong: Warsaw was "the beautiful country of Europe".
_SYSTEM_PROMPT = "You are a helpful assistant. Your name is Rider, and you are a small robot. Answer briefly."


class LlamaConfig(ProviderConfig):
    """Settings of the llama.cpp engine."""

    model: ModelName = Field(
        SMOLLM2_135M.name,
        description="model of requests that name none: one of the catalogue (`rider models list`), or of `files`",
    )
    files: dict[ModelName, Path] = Field(
        {}, max_length=32, description="GGUF files of your own: the name that a request gives, and the file's full path"
    )
    system_prompt: str = Field(
        _SYSTEM_PROMPT, max_length=8_000, description="system prompt of requests without one; empty: none"
    )
    context_tokens: int = Field(
        4_096,
        ge=512,
        le=131_072,
        description="size of the context in tokens, prompt and answer together; takes memory",
    )
    max_loaded: int = Field(
        2, ge=1, le=16, description="models in memory at a time; the least recently used is unloaded first"
    )
    idle_unload_s: float = Field(
        600, ge=0, le=604_800, description="seconds without use after which a model is unloaded; 0: never"
    )
    temperature: float = Field(
        0,
        ge=0,
        le=2,
        description="of requests that name none; 0: always the likeliest token; SmolLM2 gets worse above 0",
    )
    min_p: float = Field(
        0.05,
        ge=0,
        le=1,
        description="tokens less likely than this share of the likeliest one are never sampled; 0: no limit",
    )
    chat_template: str | None = Field(
        None,
        max_length=64,
        pattern=r"^[a-z0-9._-]+$",
        description="one of llama.cpp's own, such as chatml, for files without a supported one; None: they are refused",
    )


class LlamaTextGenerator(TextGenerator):
    """Language models in GGUF files, run by llama.cpp on the processor."""

    name: ClassVar[str] = "llama"
    abilities: ClassVar[frozenset[str]] = frozenset({"json"})
    Config: ClassVar[type[ProviderConfig]] = LlamaConfig

    def __init__(self, config: LlamaConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._settings = config
        self._engine: LlamaEngine | None = None

    def required_models(self) -> tuple[str, ...]:
        return () if self._settings.model in self._settings.files else (self._settings.model,)

    def open(self) -> None:
        engine = importlib.import_module("rider_text_llama.engine").LlamaEngine(
            self._settings, self._path, threads=self.context.threads
        )
        try:
            engine.warm_up(self._settings.model)
        except Exception:
            engine.close()
            raise
        self._engine = engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def health(self) -> Health:
        try:
            self._path(self._settings.model)
        except ModelError as error:
            return Health.unavailable(error.message, error.remedy)
        return Health.ok()

    def details(self) -> Mapping[str, str]:
        engine = self._engine
        return {} if engine is None else {"default model": self._settings.model, "loaded": ", ".join(engine.loaded())}

    def models(self) -> tuple[str, ...]:
        names = [self._settings.model, *self._settings.files]
        for entry in MODELS:
            with suppress(ModelError):
                self.context.model_path(entry.name)
                names.append(entry.name)
        return tuple(dict.fromkeys(names))

    def model_identity(self, request: GenerateRequest) -> str:
        name = request.model or self._settings.model
        if name not in self._settings.files:
            return name  # the catalogue's file of that name is always the same
        status = self._path(name).stat()
        return f"{name} {status.st_size} {status.st_mtime_ns}"

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        if self._engine is None:
            raise ProviderUnavailable("the llama engine is not open")
        name = request.model or self._settings.model
        if name not in self._settings.files and name not in (self._settings.model, *(entry.name for entry in MODELS)):
            raise InvalidInput(f"there is no model {name!r}", remedy=f"choose from: {', '.join(self.models())}")
        return (yield from self._engine.answer(name, request))

    def _path(self, name: str) -> Path:
        """The file of a model. Raises `ModelError`, with the command that fetches it, where it is missing."""
        own = self._settings.files.get(name)
        if own is None:
            return self.context.model_path(name)
        if not own.is_file():
            raise ModelError(
                f"the file of model {name!r} does not exist: {own}",
                remedy="correct the engine's setting files",
            )
        return own
