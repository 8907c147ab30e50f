"""Calls language models: resolves named system prompts, and looks into the answer cache first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from rider_core.api.text_generation import (
    GeneratedText,
    GenerateRequest,
    GenerationEnd,
    TextDelta,
    TextGenerator,
    generated_text,
)
from rider_core.errors import ProviderBroken
from rider_core.pluginhost import guarded
from rider_core.runtime.prompts import PromptStore
from rider_core.worker.answer_cache import AnswerCache, digest_of
from rider_core.worker.tool_calls import check_abilities, needs_json, parse_answer, with_json_tools

#: Receives each piece of an answer as soon as it exists.
EmitText = Callable[[TextDelta], None]


class CachedGenerator:
    """Generates text with an engine, or returns a cached answer to the same request."""

    def __init__(self, prompts: PromptStore, cache: AnswerCache) -> None:
        self._prompts = prompts
        self._cache = cache

    def generate(self, provider: TextGenerator, request: GenerateRequest, emit: EmitText) -> GeneratedText:
        """One answer, its pieces passed to `emit` as they come; a cached answer is one piece."""
        check_abilities(provider, request)
        request = self._prompts.resolved(request)
        if needs_json(provider, request):
            answer = parse_answer(self._generated(provider, with_json_tools(request), lambda delta: None))
            if answer.text:
                emit(TextDelta(seq=0, text=answer.text))
            return answer
        return self._generated(provider, request, emit)

    def _generated(self, provider: TextGenerator, request: GenerateRequest, emit: EmitText) -> GeneratedText:
        if not self._cache.wants(request):
            return _streamed(provider, request, emit)
        digest = digest_of(provider, request)
        cached = self._cache.find(digest)
        if cached is not None:
            if cached.text:
                emit(TextDelta(seq=0, text=cached.text))
            return cached.model_copy(update={"from_cache": True})
        answer = _streamed(provider, request, emit)
        self._cache.keep(digest, answer)
        return answer

    def generate_together(self, provider: TextGenerator, requests: Sequence[GenerateRequest]) -> list[GeneratedText]:
        """One answer for each request; one engine call generates those that are not cached."""
        demanding = [request for request in requests if request.tools or request.json_schema is not None]
        for request in demanding:
            check_abilities(provider, request)
        if any(needs_json(provider, request) for request in demanding):
            return [self.generate(provider, request, lambda delta: None) for request in requests]
        if not any(request.preset or self._cache.wants(request) for request in requests):
            return _generate_batch(provider, requests)
        resolved = [self._prompts.resolved(request) for request in requests]
        digests = [digest_of(provider, request) if self._cache.wants(request) else None for request in resolved]
        answers = {n: cached for n, digest in enumerate(digests) if digest and (cached := self._cache.find(digest))}
        answers = {n: cached.model_copy(update={"from_cache": True}) for n, cached in answers.items()}
        missing = [n for n in range(len(resolved)) if n not in answers]
        generated = _generate_batch(provider, [resolved[n] for n in missing]) if missing else []
        for n, answer in zip(missing, generated, strict=True):
            answers[n] = answer
            if (digest := digests[n]) is not None:
                self._cache.keep(digest, answer)
        return [answers[n] for n in range(len(resolved))]


def _generate_batch(provider: TextGenerator, requests: Sequence[GenerateRequest]) -> list[GeneratedText]:
    what = "generate_batch()"
    answers = guarded.result_of(provider, what, list, lambda: provider.generate_batch(requests))
    if len(answers) != len(requests):
        raise ProviderBroken(f"{provider.name}: {what} gave {len(answers)} answers to {len(requests)} requests")
    return list(guarded.all_checked(provider, what, GeneratedText, answers))


def _streamed(provider: TextGenerator, request: GenerateRequest, emit: EmitText) -> GeneratedText:
    pieces: list[str] = []
    deltas = guarded.pieces_of(provider, "generate_stream()", str, lambda: provider.generate_stream(request))
    with closing(deltas) as stream:
        while True:
            try:
                piece = next(stream)
            except StopIteration as stopped:
                end = stopped.value
                if end is not None:
                    guarded.checked(provider, "generate_stream() at its end", GenerationEnd, end)
                return generated_text("".join(pieces), end)
            emit(TextDelta(seq=len(pieces), text=piece))
            pieces.append(piece)
