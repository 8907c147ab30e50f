"""What a worker counts of its engines' calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from rider_core.api import TextGenerator, TextToSpeech
from rider_core.api.audio import AudioClip
from rider_core.api.provider import ProviderContext
from rider_core.api.tasks import TASKS
from rider_core.api.text_generation import GenerateRequest, GenerationEnd
from rider_core.api.text_to_speech import SynthesizeRequest
from rider_core.errors import InvalidInput
from rider_core.metrics.exposition import registry
from rider_core.runtime.prompts import PromptStore
from rider_core.worker.answer_cache import AnswerCache
from rider_core.worker.breakers import Breakers
from rider_core.worker.cached_generator import CachedGenerator
from rider_core.worker.engine_calls import EngineCalls

TEXT, SPEECH = TASKS["text.generate"], TASKS["voice.synthesize"]


class Talker(TextGenerator):
    name = "talker"

    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        if request.prompt == "break":
            raise RuntimeError("the engine broke")
        if request.prompt == "wrong":
            raise InvalidInput("no such model")
        yield "yes"
        return GenerationEnd(prompt_tokens=7, completion_tokens=3)


class Speaker(TextToSpeech):
    name = "speaker"

    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        yield AudioClip(bytes(2 * 8_000), 16_000)
        yield AudioClip(bytes(2 * 16_000), 16_000)


@pytest.fixture
def engine_calls(connection: redis.Redis) -> EngineCalls:
    cache = AnswerCache(connection, 1 << 20, 60)
    return EngineCalls(Breakers(connection, 5, 30), CachedGenerator(PromptStore("sqlite://", None), cache))


def value(name: str, **labels: str) -> float:
    return registry().get_sample_value(name, labels) or 0.0


def generate(engine_calls: EngineCalls, prompt: str, **options: object) -> None:
    request = GenerateRequest(prompt=prompt, **options)  # type: ignore[arg-type]
    engine_calls.single(Talker(Talker.Config(), ProviderContext()), TEXT, request, lambda _: None)


def test_tokens_are_counted_and_answers_from_the_cache_are_not(engine_calls: EngineCalls) -> None:
    before = {kind: value("rider_tokens_total", provider="talker", kind=kind) for kind in ("prompt", "completion")}
    calls = value("rider_provider_call_seconds_count", task="text.generate", provider="talker")
    for _ in range(2):
        generate(engine_calls, "Is it?", temperature=0)
    assert value("rider_tokens_total", provider="talker", kind="prompt") - before["prompt"] == 7
    assert value("rider_tokens_total", provider="talker", kind="completion") - before["completion"] == 3
    assert value("rider_provider_call_seconds_count", task="text.generate", provider="talker") - calls == 1


def test_failures_of_the_engine_are_counted_and_those_of_the_caller_are_not(engine_calls: EngineCalls) -> None:
    before = value("rider_provider_failures_total", task="text.generate", provider="talker")
    with pytest.raises(RuntimeError):
        generate(engine_calls, "break")
    with pytest.raises(InvalidInput):
        generate(engine_calls, "wrong")
    assert value("rider_provider_failures_total", task="text.generate", provider="talker") - before == 1


def test_seconds_of_sound_are_counted(engine_calls: EngineCalls) -> None:
    before = value("rider_audio_seconds_total", task="voice.synthesize", provider="speaker")
    provider = Speaker(Speaker.Config(), ProviderContext())
    engine_calls.single(provider, SPEECH, SynthesizeRequest(text="Hello."), lambda _: None)
    assert value("rider_audio_seconds_total", task="voice.synthesize", provider="speaker") - before == 1.5


def test_jobs_that_run_together_are_one_call(engine_calls: EngineCalls) -> None:
    provider = Talker(Talker.Config(), ProviderContext())
    before = value("rider_tokens_total", provider="talker", kind="completion")
    calls = value("rider_provider_call_seconds_count", task="text.generate", provider="talker")
    engine_calls.together(provider, TEXT, [GenerateRequest(prompt=f"{n}?", temperature=1) for n in range(4)])
    assert value("rider_provider_call_seconds_count", task="text.generate", provider="talker") - calls == 1
    assert value("rider_tokens_total", provider="talker", kind="completion") - before == 12
