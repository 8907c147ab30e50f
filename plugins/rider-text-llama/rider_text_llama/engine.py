"""One answer after another, by several models. Needs llama.cpp: imported when the provider is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rider_core.api import GenerateRequest, GenerationEnd, TextStream
from rider_text_llama import native
from rider_text_llama.answer import AnswerText
from rider_text_llama.chat import fitted
from rider_text_llama.model import LlamaModel, LoadOptions
from rider_text_llama.residents import Residents
from rider_text_llama.sampling import sampler_for
from rider_text_llama.trial import try_out

if TYPE_CHECKING:
    from rider_text_llama.provider import LlamaConfig

#: At least this share of the context is left for the answer, however much was said before.
_ANSWER_SHARE = 4
#: A file whose path, inode, size and time of change are as they were has been tried out already.
_FileKey = tuple[str, int, int, int]
#: As many files as the settings can name, and some that changed meanwhile.
_MAX_TRIED = 64


class LlamaEngine:
    """Not for several threads at once.

    Args:
        path_of: The file of a model. Raises ModelError.

    Raises:
        ProviderUnavailable: llama.cpp cannot be loaded.
    """

    def __init__(self, settings: LlamaConfig, path_of: Callable[[str], Path], *, threads: int) -> None:
        native.load_library()
        self._settings = settings
        self._path_of = path_of
        self._options = LoadOptions(settings.context_tokens, threads, settings.chat_template)
        self._tried: dict[_FileKey, bool] = {}
        self._residents = Residents(self._load, most=settings.max_loaded, idle_s=settings.idle_unload_s)

    def close(self) -> None:
        self._residents.close()

    def loaded(self) -> tuple[str, ...]:
        """Names of the models that are in memory. From any thread."""
        return self._residents.names()

    def warm_up(self, name: str) -> None:
        """Load a model, and let it read its system prompt, with which most requests begin.

        Raises:
            ModelError, ProviderUnavailable: it cannot be loaded.
        """
        with self._residents.borrowed(name) as model:
            begin = GenerateRequest(prompt="?").messages(self._settings.system_prompt)
            model.context.read(model.chat.tokens(begin), repeatable=True)

    def answer(self, name: str, request: GenerateRequest) -> TextStream:
        """The answer of one model, piece by piece.

        Raises:
            InvalidInput: the prompt is too long for the model, or no JSON can be written by the schema.
            ProviderError: the schema turned out to be too much for it.
            ModelError, ProviderUnavailable: the model cannot be loaded.
        """
        if request.temperature is None:
            request = request.model_copy(update={"temperature": self._settings.temperature})
        with self._residents.borrowed(name) as model, sampler_for(request, self._settings.min_p) as sampler:
            context, vocabulary = model.context, model.vocabulary
            room = min(request.max_tokens, context.size // _ANSWER_SHARE)
            tokens = fitted(model.chat, request.messages(self._settings.system_prompt), context.size - room)
            reading = context.read(tokens, repeatable=request.deterministic)
            text = AnswerText(request.stop)
            guide = None if request.json_schema is None else model.guides.guide(request.json_schema)
            written = 0
            while True:
                token = context.sample(sampler, guide)
                ended = vocabulary.is_end(token)
                if guide is not None and not ended:
                    guide.accept(token)
                if not ended:
                    written += 1
                    if piece := text.add(vocabulary.piece(token)):
                        yield piece
                ended = ended or (guide is not None and guide.ended)
                full = written == request.max_tokens or len(reading.tokens) == context.size
                if ended or text.stopped or full:
                    break
                context.go_on(reading, token)
            if rest := text.rest():
                yield rest
            complete = ended or text.stopped
            return GenerationEnd(name, "stop" if complete else "length", len(tokens), written)

    def _load(self, name: str) -> LlamaModel:
        path = self._path_of(name)
        status = os.stat(path)
        key = (str(path), status.st_ino, status.st_size, status.st_mtime_ns)
        if key not in self._tried:
            if len(self._tried) >= _MAX_TRIED:
                self._tried.clear()
            self._tried[key] = try_out(path, self._options)
        return LlamaModel(path, self._options, alike=self._tried[key])
