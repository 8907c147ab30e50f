"""Calls engines: through their circuit breakers, and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from prometheus_client import Counter, Histogram

from rider_core.api.messages import Message, Result
from rider_core.api.provider import Provider
from rider_core.api.speech_to_text import Transcript
from rider_core.api.tasks import TASKS, Task
from rider_core.api.text_generation import GeneratedText, TextGenerator
from rider_core.api.text_to_speech import Speech
from rider_core.metrics import AUDIO_SECONDS, PROVIDER_CALLS, PROVIDER_FAILURES, TOKENS
from rider_core.worker.breakers import NOT_COUNTED, Breakers
from rider_core.worker.cached_generator import CachedGenerator
from rider_core.worker.tasks import Emit, perform, perform_together

T = TypeVar("T")


class EngineCalls:
    """Every call of an engine in this worker."""

    def __init__(self, breakers: Breakers, generator: CachedGenerator) -> None:
        self._breakers = breakers
        self._generator = generator
        self._meters: dict[tuple[str, str], EngineMeter] = {}

    def single(self, provider: Provider, task: Task, request: Message, emit: Emit) -> Result:
        """Perform one request.

        Args:
            emit: Takes the partial results.

        Raises:
            BackendUnavailable: Redis cannot be reached.
            Exception: what a plugin's code raises.
        """
        meter = self._meter(provider, task)
        result, seconds = self._measured(meter, provider, lambda: perform(provider, request, emit, self._generator))
        meter.count([result], seconds)
        return result

    def together(self, provider: Provider, task: Task, requests: Sequence[Message]) -> list[Result]:
        """Perform several requests that fit together: one result for each, in their order. Raises as `single` does."""
        meter = self._meter(provider, task)
        results, seconds = self._measured(
            meter, provider, lambda: perform_together(provider, requests, self._generator)
        )
        meter.count(results, seconds)
        return results

    def _measured(self, meter: EngineMeter, provider: Provider, work: Callable[[], T]) -> tuple[T, float]:
        started = time.perf_counter()
        try:
            answer = self._breakers.call(provider.name, work)
        except NOT_COUNTED:
            raise
        except Exception:
            meter.failures.inc()
            raise
        return answer, time.perf_counter() - started

    def _meter(self, provider: Provider, task: Task) -> EngineMeter:
        key = provider.name, task.name
        meter = self._meters.get(key)
        if meter is None:
            meter = self._meters[key] = EngineMeter(provider.name, task)
        return meter


class EngineMeter:
    """The metrics of one provider and task. Looking them up by their labels takes as long as counting."""

    def __init__(self, provider: str, task: Task) -> None:
        self.calls: Histogram = PROVIDER_CALLS.labels(task.name, provider)
        self.failures: Counter = PROVIDER_FAILURES.labels(task.name, provider)
        is_text = issubclass(task.provider, TextGenerator)
        self._tokens = {kind: TOKENS.labels(provider, kind) for kind in ("prompt", "completion")} if is_text else {}
        has_sound = task.queue == "voice"
        self._audio: Counter | None = AUDIO_SECONDS.labels(task.name, provider) if has_sound else None

    def count(self, results: Sequence[Result], seconds: float) -> None:
        """Count a call that succeeded. Answers from the cache are no work of the engine."""
        own = [it for it in results if not (isinstance(it, GeneratedText) and it.from_cache)]
        if not own:
            return
        self.calls.observe(seconds)
        for result in own:
            if isinstance(result, GeneratedText):
                self._tokens["prompt"].inc(result.prompt_tokens or 0)
                self._tokens["completion"].inc(result.completion_tokens or 0)
            elif isinstance(result, Transcript | Speech) and self._audio is not None:
                self._audio.inc(result.duration_s)


def begin_series(provider: Provider) -> None:
    """Let the metrics of an engine exist before its first call."""
    for task in TASKS.values():
        if isinstance(provider, task.provider):
            EngineMeter(provider.name, task)
