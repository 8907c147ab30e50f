"""Transcribes clips: finds the speech, decodes it alone or together with other clips, filters hallucinations."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rider_core.api import AudioClip, Segment, Transcript
from rider_voice_whisper.attribution import split_by_clip
from rider_voice_whisper.audio import model_samples, pad_to_minimum, split_channels, too_quiet_hint
from rider_voice_whisper.decoding_windows import (
    CLIPS_PER_WINDOW,
    MAX_SHARED_CLIP_S,
    pack_windows,
    window_context,
    window_samples,
)
from rider_voice_whisper.engine import FULL_CONTEXT, MODEL_RATE, DecodedSegment, Samples, WhisperEngine, fit_context
from rider_voice_whisper.hallucination_filter import drop_hallucinations, is_speakable_in
from rider_voice_whisper.language import LANGUAGE_REMEDY, LanguageChoice, choose_language
from rider_voice_whisper.settings import WhisperConfig
from rider_voice_whisper.speech_chunks import SpeechChunk, speech_chunks
from rider_voice_whisper.vad import SpeechDetector, SpeechProbabilities

#: A recheck must end within this share of the time left until the deadline. A robot waits 5 s from the end of a
#: sentence and should have its transcript in half of that: 1.4 s are for transcription, the rest is a margin for load.
_SHARE_OF_TIME_LEFT = 1 / 3
#: A clip decoded in a shared window with less confidence is decoded again alone. With 0.6, the threshold for clips
#: alone, 11 of 1,000 words were wrong, with 0.75 there are 7, and with 0.9 none, but nearly no time is saved.
_MIN_SHARED_CONFIDENCE = 0.75
#: One channel replaces the mean of all where it has this many times the speech of the mean. With less, each of two
#: speakers may have a channel.
_MIN_CHANNEL_GAIN = 1.25
#: Clear speech without a recognised word, in seconds, from which on the transcript has a hint.
_MIN_HINT_SPEECH_S = 0.5


@dataclass(frozen=True)
class _ClipSpeech:
    """The speech of one clip, in several chunks where it is long or has long pauses."""

    clip: AudioClip
    speech: SpeechProbabilities
    chunks: Sequence[SpeechChunk]
    choice: LanguageChoice

    @property
    def first_chunk(self) -> Samples:
        return self.chunks[0].samples

    @property
    def is_short(self) -> bool:
        return len(self.chunks) == 1 and self.chunks[0].duration_s <= MAX_SHARED_CLIP_S


class Transcriber:
    """Clips to transcripts. Not thread-safe."""

    def __init__(
        self,
        engine: WhisperEngine,
        settings: WhisperConfig,
        time_left_s: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._time_left_s = time_left_s
        self._clock = clock
        self._detector = SpeechDetector()
        self._ready_by_s = 0.0

    def transcribe(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        """One transcript for each clip. Several short clips share a window; uncertain ones are decoded again alone."""
        self._ready_by_s = self._clock() + self._time_left_s() * _SHARE_OF_TIME_LEFT
        done: dict[int, Transcript] = {}
        short: dict[str, dict[int, _ClipSpeech]] = defaultdict(dict)
        share = len(clips) > 1 and self._settings.batch_size > 1
        for number, clip in enumerate(clips):
            samples, speech = self._detect_speech(clip)
            found = self._clip_speech(clip, samples, speech, language)
            if found is None:
                done[number] = Transcript(
                    text="", language=language, no_speech=True, hint=too_quiet_hint(samples), duration_s=clip.duration_s
                )
            elif share and found.is_short:
                short[found.choice.language][number] = found
            else:
                done[number] = _transcript(found, self._transcribe_alone(found))
        for code, group in short.items():
            shared = self._transcribe_shared(group, code)
            for number, found in group.items():
                segments = shared[number] if number in shared else self._transcribe_alone(found)
                done[number] = _transcript(found, segments)
        return [done[number] for number in range(len(clips))]

    def _detect_speech(self, clip: AudioClip) -> tuple[Samples, SpeechProbabilities]:
        """The mean of the channels; the channel with the most speech where noise in another one hides it."""
        samples = model_samples(clip)
        speech = self._detector.detect(samples)
        most_s = speech.clear_speech_s(0.0, clip.duration_s) * _MIN_CHANNEL_GAIN
        for channel in split_channels(clip):
            alone = model_samples(channel)
            in_channel = self._detector.detect(alone)
            speech_s = in_channel.clear_speech_s(0.0, clip.duration_s)
            if speech_s > most_s:
                samples, speech, most_s = alone, in_channel, speech_s
        return samples, speech

    def _clip_speech(
        self, clip: AudioClip, samples: Samples, speech: SpeechProbabilities, language: str | None
    ) -> _ClipSpeech | None:
        """The clip's chunks with speech, and their language. None: the clip has no speech."""
        chunks = speech_chunks(samples, speech)
        if not chunks:
            return None
        if language:
            return _ClipSpeech(clip, speech, chunks, LanguageChoice(language))
        return _ClipSpeech(clip, speech, chunks, self._detect_language(_chunk_with_most_speech(chunks, speech)))

    def _transcribe_alone(self, found: _ClipSpeech) -> Sequence[DecodedSegment]:
        decoded = [
            segment
            for chunk in found.chunks
            for segment in chunk.to_clip_times(self._decode(chunk.samples, found.choice.language))
        ]
        return drop_hallucinations(decoded, found.speech, self._settings.min_confidence)

    def _decode(self, samples: Samples, language: str) -> Sequence[DecodedSegment]:
        samples = pad_to_minimum(samples)
        duration_s = len(samples) / MODEL_RATE
        context = fit_context(duration_s)
        began_s = self._clock()
        segments = self._engine.transcribe(samples, language)
        now_s = self._clock()
        # The encoder takes nearly all of the time.
        in_time = now_s + (now_s - began_s) * FULL_CONTEXT / context <= self._ready_by_s
        if context <= FULL_CONTEXT // 2 and in_time and self._needs_recheck(segments, duration_s):
            # The fitted context sometimes gets a word wrong, with low confidence. Repeated words can send the decoder
            # into a loop, with high confidence.
            again = self._engine.transcribe(samples, language, context_of=lambda _: FULL_CONTEXT)
            segments = max(segments, again, key=lambda it: (_fits(it, duration_s), _confidence(it)))
        return segments

    def _transcribe_shared(
        self, short: Mapping[int, _ClipSpeech], language: str
    ) -> dict[int, Sequence[DecodedSegment]]:
        """The segments of those clips whose shared decoding is certain, by the clip's number."""
        clips = {number: speech.first_chunk for number, speech in short.items()}
        found: dict[int, Sequence[DecodedSegment]] = {}
        for most in CLIPS_PER_WINDOW:
            left = {number: samples for number, samples in clips.items() if number not in found}
            windows = [window for window in pack_windows(left, most) if len(window) > 1]
            sounds = [window_samples(window, clips) for window in windows]
            decoded = self._engine.transcribe_parallel(sounds, language, context_of=window_context)
            for tokens, window in zip(decoded, windows, strict=True):
                found |= split_by_clip(tokens, window)
        threshold = max(_MIN_SHARED_CONFIDENCE, self._settings.recheck_confidence)
        certain: dict[int, Sequence[DecodedSegment]] = {}
        for number, segments in found.items():
            in_clip = short[number].chunks[0].to_clip_times(segments)
            kept = drop_hallucinations(in_clip, short[number].speech, self._settings.min_confidence)
            if kept == in_clip and _confidence(segments) >= threshold:
                certain[number] = kept
        return certain

    def _detect_language(self, samples: Samples) -> LanguageChoice:
        if not self._engine.multilingual:
            return LanguageChoice("en")
        probabilities = self._engine.language_probabilities(pad_to_minimum(samples))
        return choose_language(probabilities, self._settings.expected_languages)

    def _needs_recheck(self, segments: Sequence[DecodedSegment], duration_s: float) -> bool:
        if self._settings.recheck_confidence == 0:
            return False
        # The VAD found speech in this chunk, so an empty result is doubtful, too.
        return (
            not segments or _confidence(segments) < self._settings.recheck_confidence or not _fits(segments, duration_s)
        )


def _chunk_with_most_speech(chunks: Sequence[SpeechChunk], speech: SpeechProbabilities) -> Samples:
    """Not simply the first chunk, which may be a beep or a knock that the VAD took for speech."""
    return max(chunks, key=lambda it: speech.clear_speech_s(it.start_s, it.start_s + it.duration_s)).samples


def _transcript(found: _ClipSpeech, segments: Sequence[DecodedSegment]) -> Transcript:
    return Transcript(
        text="".join(segment.text for segment in segments).strip(),
        language=found.choice.language,
        segments=tuple(
            Segment(text=it.text.strip(), start_s=it.start_s, end_s=it.end_s, confidence=it.probability)
            for it in segments
        ),
        no_speech=not segments,
        hint=found.choice.hint or ("" if segments else _not_understood_hint(found)),
        duration_s=found.clip.duration_s,
    )


def _not_understood_hint(found: _ClipSpeech) -> str:
    if found.speech.clear_speech_s(0.0, found.clip.duration_s) < _MIN_HINT_SPEECH_S:
        return ""
    remedy = LANGUAGE_REMEDY if found.choice.detected else "name the language"
    return f"speech was detected, but no word is clear in {found.choice.language}: come closer, or {remedy}"


def _fits(segments: Sequence[DecodedSegment], duration_s: float) -> bool:
    return is_speakable_in("".join(segment.text for segment in segments), duration_s)


def _confidence(segments: Sequence[DecodedSegment]) -> float:
    """The confidence of the least certain segment; 0 without segments, or where all are punctuation."""
    return min((segment.probability or 0.0 for segment in segments), default=0.0)
