"""Generates answers with cached models. Needs llama.cpp: imported when the provider is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rider_core.api import GenerateRequest, GenerationEnd, TextStream
from rider_text_llama import bindings
from rider_text_llama.chat import fit_to_context
from rider_text_llama.detokenizer import IncrementalDetokenizer
from rider_text_llama.model import LlamaModel, LoadOptions
from rider_text_llama.model_cache import ModelCache
from rider_text_llama.preflight import run_preflight
from rider_text_llama.sampling import sampler_for

if TYPE_CHECKING:
    from rider_text_llama.provider import LlamaConfig

#: One divided by the share of the context that is reserved for the answer.
_ANSWER_SHARE = 4
#: Path, inode, size and modification time: the preflight of an unchanged file is not repeated.
_FileKey = tuple[str, int, int, int]
#: Limit of remembered preflights: as many files as the settings can name, and changed versions of some.
_MAX_PREFLIGHTED = 64


class LlamaEngine:
    """llama.cpp with several models. Not thread-safe, `loaded` excepted.

    Args:
        path_of: Returns the file of a model. Raises ModelError.

    Raises:
        ProviderUnavailable: llama.cpp cannot be loaded.
    """

    def __init__(self, settings: LlamaConfig, path_of: Callable[[str], Path], *, threads: int) -> None:
        bindings.load_library()
        self._settings = settings
        self._path_of = path_of
        self._options = LoadOptions(settings.context_tokens, threads, settings.chat_template)
        self._preflighted: dict[_FileKey, bool] = {}
        self._cache = ModelCache(self._load, most=settings.max_loaded, idle_s=settings.idle_unload_s)

    def close(self) -> None:
        self._cache.close()

    def loaded(self) -> tuple[str, ...]:
        """Names of the models in memory. Thread-safe."""
        return self._cache.names()

    def warm_up(self, name: str) -> None:
        """Load a model and evaluate the system prompt, with which most requests begin.

        Raises:
            ModelError, ProviderUnavailable: it cannot be loaded.
        """
        with self._cache.borrow(name) as model:
            begin = GenerateRequest(prompt="?").messages(self._settings.system_prompt)
            model.context.prefill(model.chat.tokens(begin), repeatable=True)

    def answer(self, name: str, request: GenerateRequest) -> TextStream:
        """The answer of one model in pieces.

        Raises:
            InvalidInput: the prompt is too long for the model, or no JSON fits the schema.
            ProviderError: the schema exceeded llguidance's limits during the answer.
            ModelError, ProviderUnavailable: the model cannot be loaded.
        """
        if request.temperature is None:
            request = request.model_copy(update={"temperature": self._settings.temperature})
        with self._cache.borrow(name) as model, sampler_for(request, self._settings.min_p) as sampler:
            context, vocabulary = model.context, model.vocabulary
            room = min(request.max_tokens, context.size // _ANSWER_SHARE)
            tokens = fit_to_context(model.chat, request.messages(self._settings.system_prompt), context.size - room)
            longest = min(request.max_tokens, context.size - len(tokens))
            state = context.prefill(tokens, repeatable=request.deterministic, room=longest)
            text = IncrementalDetokenizer(request.stop)
            matcher = None if request.json_schema is None else model.grammar_compiler.compile(request.json_schema)
            written = 0
            while True:
                token = context.sample(sampler, matcher)
                ended = vocabulary.is_end(token)
                if matcher is not None and not ended:
                    matcher.accept(token)
                if not ended:
                    written += 1
                    if piece := text.add(vocabulary.piece(token)):
                        yield piece
                ended = ended or (matcher is not None and matcher.ended)
                full = written == request.max_tokens or len(state.tokens) == context.size
                if ended or text.stopped or full:
                    break
                context.decode(state, token)
            if held := text.flush():
                yield held
            complete = ended or text.stopped
            return GenerationEnd(name, "stop" if complete else "length", len(tokens), written)

    def _load(self, name: str) -> LlamaModel:
        path = self._path_of(name)
        status = os.stat(path)
        key = (str(path), status.st_ino, status.st_size, status.st_mtime_ns)
        if key not in self._preflighted:
            if len(self._preflighted) >= _MAX_PREFLIGHTED:
                self._preflighted.clear()
            self._preflighted[key] = run_preflight(path, self._options)
        return LlamaModel(path, self._options, batch_invariant=self._preflighted[key])
