"""One loaded model: weights, vocabulary, chat template and context."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from rider_core.api.heap import trim_heap
from rider_core.errors import ModelError, ProviderError
from rider_text_llama import bindings
from rider_text_llama.chat import ChatFormat
from rider_text_llama.context import Context
from rider_text_llama.vocabulary import Vocabulary

if TYPE_CHECKING:
    from rider_text_llama.grammar import GrammarCompiler

_DESCRIPTION_BYTES = 128


@dataclass(frozen=True)
class LoadOptions:
    """How models are loaded.

    Attributes:
        context_tokens: Size of the context, prompt and answer together; limited to what the model was trained on.
        threads: For prefill and decoding.
        chat_template: One of llama.cpp's names, for files without one; None: such files are refused.
    """

    context_tokens: int
    threads: int
    chat_template: str | None = None


class LlamaModel:
    """One GGUF file. Not thread-safe; the GIL is released while it computes.

    A damaged file can end the process here (llama.cpp checks much by assertions): see `preflight`.

    Args:
        batch_invariant: The result of the preflight.

    Raises:
        ModelError: llama.cpp cannot load the file, or it is no chat model.
        ProviderUnavailable: llama.cpp is missing, or there is too little memory.
    """

    def __init__(self, path: Path, options: LoadOptions, *, batch_invariant: bool = False) -> None:
        self._library = bindings.load_library()
        params = self._library.llama_model_default_params()
        params.n_gpu_layers = 0
        bindings.take_error()
        self._model = self._library.llama_model_load_from_file(str(path).encode(), params)
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {path.name}: {bindings.take_error()}", remedy="fetch it again")
        self._context: Context | None = None
        try:
            self._prepare(path, options, batch_invariant)
        except Exception:
            self.close()
            raise

    def _prepare(self, path: Path, options: LoadOptions, batch_invariant: bool) -> None:
        library, model = self._library, self._model
        diffusion = library.llama_model_is_diffusion(model)
        if not library.llama_model_has_decoder(model) or library.llama_model_has_encoder(model) or diffusion:
            raise ModelError(f"{path.name} is no autoregressive text model")
        self.vocabulary = Vocabulary(library, model)
        own = library.llama_model_chat_template(model, None)
        template = own.decode("utf-8", "replace") if own else options.chat_template
        if template is None:
            raise ModelError(
                f"{path.name} has no chat template",
                remedy="use an instruct model, or set chat_template, for example to chatml",
            )
        try:
            self.chat = ChatFormat(library, self.vocabulary, template)
        except ModelError:
            if options.chat_template in (None, template):
                raise
            self.chat = ChatFormat(library, self.vocabulary, str(options.chat_template))
        trained = library.llama_model_n_ctx_train(model)
        if trained < 1:
            raise ModelError(f"{path.name} claims a training context of {trained} tokens", remedy="fetch it again")
        size = min(options.context_tokens, trained)
        self._context = Context(
            library, model, size=size, threads=options.threads, batch_invariant=batch_invariant, path=path
        )

    @property
    def context(self) -> Context:
        if self._context is None:
            raise ProviderError("the model was unloaded")
        return self._context

    @cached_property
    def grammar_compiler(self) -> GrammarCompiler:
        """For answers in JSON. Loads llguidance at the first use."""
        return import_module("rider_text_llama.grammar").GrammarCompiler(self.vocabulary)

    def description(self) -> str:
        """llama.cpp's description, such as `llama ?B Q4_1`."""
        buffer = ctypes.create_string_buffer(_DESCRIPTION_BYTES)
        self._library.llama_model_desc(self._model, buffer, _DESCRIPTION_BYTES)
        return buffer.value.decode("utf-8", "replace")

    def close(self) -> None:
        """Free the memory."""
        if self._context is not None:
            self._context.close()
            self._context = None
        if self._model:
            self._library.llama_model_free(self._model)
            self._model = None
            trim_heap()  # 20 MB of vocabulary and tensor names for a small model
