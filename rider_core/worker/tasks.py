"""How each task is done by a provider of its domain."""

from __future__ import annotations

from collections.abc import Callable

from rider_core.api.messages import Message, Result, encode_base64
from rider_core.api.object_detection import Detections, DetectRequest, ObjectDetector
from rider_core.api.provider import Provider
from rider_core.api.speech_to_text import SpeechToText, TranscribeRequest, Transcript
from rider_core.api.text_generation import GeneratedText, GenerateRequest, TextDelta, TextGenerator
from rider_core.api.text_to_speech import AudioChunk, Speech, SynthesizeRequest, TextToSpeech
from rider_core.errors import ProviderError

#: Takes each partial result as soon as it is there.
Emit = Callable[[Result], None]


class Unwanted(Exception):
    """Raised by `Emit`: nobody wants the rest, the job was cancelled or is another worker's now."""


def perform(provider: Provider, request: Message, emit: Emit) -> Result:
    """Let `provider` do what `request` asks for; the request's type says which task that is."""
    if isinstance(provider, SpeechToText) and isinstance(request, TranscribeRequest):
        return _transcribe(provider, request)
    if isinstance(provider, TextToSpeech) and isinstance(request, SynthesizeRequest):
        return _synthesize(provider, request, emit)
    if isinstance(provider, ObjectDetector) and isinstance(request, DetectRequest):
        return _detect(provider, request)
    if isinstance(provider, TextGenerator) and isinstance(request, GenerateRequest):
        return _generate(provider, request, emit)
    raise ProviderError(f"{provider.name} ({provider.domain}) cannot do a {type(request).__name__}")


def _transcribe(provider: SpeechToText, request: TranscribeRequest) -> Transcript:
    return provider.transcribe(request.clip(), request.language)


def _synthesize(provider: TextToSpeech, request: SynthesizeRequest, emit: Emit) -> Speech:
    chunks, duration_s, sample_rate = 0, 0.0, 0
    for clip in provider.synthesize_stream(request):
        sample_rate = clip.sample_rate
        audio = encode_base64(clip.to_wav())
        emit(AudioChunk(seq=chunks, audio=audio, sample_rate=sample_rate, duration_s=clip.duration_s))
        chunks += 1
        duration_s += clip.duration_s
    if chunks == 0:
        raise ProviderError(f"{provider.name} gave no sound for a text of {len(request.text)} characters")
    return Speech(chunks=chunks, sample_rate=sample_rate, duration_s=duration_s, voice=request.voice)


def _detect(provider: ObjectDetector, request: DetectRequest) -> Detections:
    return provider.detect(request.frame())


def _generate(provider: TextGenerator, request: GenerateRequest, emit: Emit) -> GeneratedText:
    pieces: list[str] = []
    for piece in provider.generate_stream(request):
        emit(TextDelta(seq=len(pieces), text=piece))
        pieces.append(piece)
    return GeneratedText(text="".join(pieces))
