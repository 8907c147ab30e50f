"""What language models are asked, with their system prompts by name, and with the cache before them."""

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
from rider_core.worker.tool_calls import check_abilities, in_json, needs_json, understood

#: Takes each piece of an answer as soon as it is there.
EmitText = Callable[[TextDelta], None]


class CachedGenerator:
    """Asks an engine, unless it has answered the same before."""

    def __init__(self, prompts: PromptStore, cache: AnswerCache) -> None:
        self._prompts = prompts
        self._cache = cache

    def generate(self, provider: TextGenerator, request: GenerateRequest, emit: EmitText) -> GeneratedText:
        """One answer, its pieces handed to `emit` as they come; one from the cache comes in a single piece."""
        check_abilities(provider, request)
        request = self._prompts.resolved(request)
        if needs_json(provider, request):
            answer = understood(self._generated(provider, in_json(request), lambda delta: None))
            if answer.text:
                emit(TextDelta(seq=0, text=answer.text))
            return answer
        return self._generated(provider, request, emit)

    def _generated(self, provider: TextGenerator, request: GenerateRequest, emit: EmitText) -> GeneratedText:
        if not self._cache.wants(request):
            return _streamed(provider, request, emit)
        digest = digest_of(provider, request)
        known = self._cache.find(digest)
        if known is not None:
            if known.text:
                emit(TextDelta(seq=0, text=known.text))
            return known.model_copy(update={"from_cache": True})
        answer = _streamed(provider, request, emit)
        self._cache.keep(digest, answer)
        return answer

    def generate_together(self, provider: TextGenerator, requests: Sequence[GenerateRequest]) -> list[GeneratedText]:
        """One answer for each; the engine is asked once, for those that are not known."""
        demanding = [request for request in requests if request.tools or request.json_schema is not None]
        for request in demanding:
            check_abilities(provider, request)
        if any(needs_json(provider, request) for request in demanding):
            return [self.generate(provider, request, lambda delta: None) for request in requests]
        if not any(request.preset or self._cache.wants(request) for request in requests):
            return _generate_batch(provider, requests)
        asked = [self._prompts.resolved(request) for request in requests]
        digests = [digest_of(provider, request) if self._cache.wants(request) else None for request in asked]
        answers = {n: known for n, digest in enumerate(digests) if digest and (known := self._cache.find(digest))}
        answers = {n: known.model_copy(update={"from_cache": True}) for n, known in answers.items()}
        missing = [n for n in range(len(asked)) if n not in answers]
        written = _generate_batch(provider, [asked[n] for n in missing]) if missing else []
        for n, answer in zip(missing, written, strict=True):
            answers[n] = answer
            if (digest := digests[n]) is not None:
                self._cache.keep(digest, answer)
        return [answers[n] for n in range(len(asked))]


def _generate_batch(provider: TextGenerator, requests: Sequence[GenerateRequest]) -> list[GeneratedText]:
    what = "generate_batch()"
    answers = guarded.result_of(provider, what, list, lambda: provider.generate_batch(requests))
    if len(answers) != len(requests):
        raise ProviderBroken(f"{provider.name}: {what} gave {len(answers)} answers to {len(requests)} requests")
    return list(guarded.all_checked(provider, what, GeneratedText, answers))


def _streamed(provider: TextGenerator, request: GenerateRequest, emit: EmitText) -> GeneratedText:
    pieces: list[str] = []
    begun = guarded.pieces_of(provider, "generate_stream()", str, lambda: provider.generate_stream(request))
    with closing(begun) as stream:
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
