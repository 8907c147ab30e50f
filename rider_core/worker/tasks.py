"""How a provider performs each task: one request, or several together."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from contextlib import closing
from functools import cache
from typing import cast

from rider_core.api.audio import AudioClip
from rider_core.api.messages import Message, Result, ResultT, encode_base64, list_of
from rider_core.api.object_detection import Detections, DetectRequest, ObjectDetector
from rider_core.api.provider import Provider
from rider_core.api.speech_to_text import SpeechToText, TranscribeRequest, Transcript
from rider_core.api.text_generation import GenerateRequest, TextGenerator
from rider_core.api.text_to_speech import AudioChunk, Speech, SynthesizeRequest, TextToSpeech
from rider_core.errors import InvalidInput, ProviderBroken, ProviderError
from rider_core.pluginhost import guarded
from rider_core.sayable import sayable
from rider_core.worker.cached_generator import CachedGenerator

#: Takes each partial result as soon as it is there.
Emit = Callable[[Result], None]


#: Requests of which any fit together.
_ALIKE = (DetectRequest, GenerateRequest)
_NO_PROVENANCE = b'{"provider":"","mock":false,'


@cache
def _provenance(name: str, mock: bool) -> bytes:
    return f'{{"provider":{json.dumps(name)},"mock":{json.dumps(mock)},'.encode()


class Cancelled(Exception):
    """Raised by `Emit`: the job was cancelled, or is leased to another worker now."""


def perform(provider: Provider, request: Message, emit: Emit, generator: CachedGenerator) -> Result:
    """Let `provider` perform one request; the task follows from the request's type."""
    if isinstance(provider, SpeechToText) and isinstance(request, TranscribeRequest):
        return _transcribe(provider, request)
    if isinstance(provider, TextToSpeech) and isinstance(request, SynthesizeRequest):
        return _synthesize(provider, request, emit)
    if isinstance(provider, ObjectDetector) and isinstance(request, DetectRequest):
        return _detect(provider, request)
    if isinstance(provider, TextGenerator) and isinstance(request, GenerateRequest):
        return generator.generate(provider, request, emit)
    raise ProviderError(f"{provider.name} ({provider.domain}) cannot do a {type(request).__name__}")


def fits_with(request: Message) -> Hashable | None:
    """Requests with the same value may be passed to an engine together; None: never."""
    if isinstance(request, TranscribeRequest):
        return "transcribe", request.language
    if isinstance(request, _ALIKE):
        return type(request).__name__
    return None


def perform_together(provider: Provider, requests: Sequence[Message], generator: CachedGenerator) -> list[Result]:
    """Let `provider` perform several requests that fit together: one result for each, in their order."""
    results: Sequence[Result]
    if isinstance(provider, SpeechToText):
        transcribe = cast("Sequence[TranscribeRequest]", requests)
        clips = [request.clip() for request in transcribe]
        results = _all_of(
            provider, "transcribe_batch()", Transcript, lambda: provider.transcribe_batch(clips, transcribe[0].language)
        )
    elif isinstance(provider, ObjectDetector):
        detect = cast("Sequence[DetectRequest]", requests)
        frames = [request.frame() for request in detect]
        found = _all_of(provider, "detect_batch()", Detections, lambda: provider.detect_batch(frames))
        results = [request.filter.over(provider.filter).kept(it) for request, it in zip(detect, found, strict=False)]
    elif isinstance(provider, TextGenerator):
        results = generator.generate_together(provider, cast("Sequence[GenerateRequest]", requests))
    else:
        raise ProviderError(f"{provider.name} ({provider.domain}) does not work on several requests together")
    if len(results) != len(requests):
        raise ProviderBroken(f"{provider.name} gave {len(results)} results for {len(requests)} requests")
    return list(results)


def json_with_provenance(result: Result, provider: Provider) -> bytes:
    """`with_provenance`, in JSON. A result without it begins with these two fields; copying the result costs most."""
    text = result.model_dump_json().encode()
    if text.startswith(_NO_PROVENANCE):
        return _provenance(provider.name, provider.mock) + text[len(_NO_PROVENANCE) :]
    return with_provenance(result, provider).model_dump_json().encode()


def json_of_many_with_provenance(results: Sequence[Result], provider: Provider) -> bytes:
    """`json_with_provenance` of each, with commas between; in one call where all are of one kind and have none yet."""
    (kind, *others) = {type(result) for result in results}
    if not others:
        text = list_of(kind).dump_json(list(results))[1:-1]
        if text.count(_NO_PROVENANCE) == len(results):  # what is between quotes has its own quotes escaped
            return text.replace(_NO_PROVENANCE, _provenance(provider.name, provider.mock))
    return b",".join([json_with_provenance(result, provider) for result in results])


def with_provenance(result: ResultT, provider: Provider) -> ResultT:
    """The result with its provider's name, and whether that is a mock."""
    return result.model_copy(update={"provider": provider.name, "mock": provider.mock})


def _transcribe(provider: SpeechToText, request: TranscribeRequest) -> Transcript:
    clip = request.clip()
    return guarded.result_of(provider, "transcribe()", Transcript, lambda: provider.transcribe(clip, request.language))


def _synthesize(provider: TextToSpeech, request: SynthesizeRequest, emit: Emit) -> Speech:
    text = sayable(request.text)
    if not text:
        raise InvalidInput(f"there is nothing to say in {request.text[:80]!r}", remedy="send a text with words")
    chunks, duration_s, sample_rate = 0, 0.0, 0
    cleaned = request.model_copy(update={"text": text})
    pieces = guarded.pieces_of(provider, "synthesize_stream()", AudioClip, lambda: provider.synthesize_stream(cleaned))
    with closing(pieces) as stream:
        for clip in stream:
            sample_rate = clip.sample_rate
            audio = encode_base64(clip.to_wav() if request.format == "wav" else clip.pcm)
            chunk = AudioChunk(
                seq=chunks, audio=audio, format=request.format, sample_rate=sample_rate, duration_s=clip.duration_s
            )
            emit(chunk)
            chunks += 1
            duration_s += clip.duration_s
    if chunks == 0:
        raise ProviderError(f"{provider.name} gave no audio for a text of {len(request.text)} characters")
    return Speech(chunks=chunks, sample_rate=sample_rate, duration_s=duration_s, voice=request.voice)


def _detect(provider: ObjectDetector, request: DetectRequest) -> Detections:
    frame = request.frame()
    found = guarded.result_of(provider, "detect()", Detections, lambda: provider.detect(frame))
    return request.filter.over(provider.filter).kept(found)


def _all_of(provider: Provider, what: str, kind: type[ResultT], action: Callable[[], object]) -> list[ResultT]:
    """A method that gives a list of things of one kind. Raises as `guarded.result_of` does."""
    return list(guarded.all_checked(provider, what, kind, guarded.result_of(provider, what, list, action)))
