"""From clips to transcripts: what is worth asking Whisper about, how, and which of its answers are believed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from rider_core.api import AudioClip, Segment, Transcript
from rider_voice_whisper.attribution import told_apart
from rider_voice_whisper.engine import FULL_CONTEXT, MODEL_RATE, HeardSegment, Samples, WhisperEngine, fit_context
from rider_voice_whisper.gate import SpeechGate
from rider_voice_whisper.invented import is_annotation, is_film_credit, repeats_itself
from rider_voice_whisper.language import choose_language
from rider_voice_whisper.settings import WhisperConfig
from rider_voice_whisper.sound import at_least_one_second, is_silent, model_samples
from rider_voice_whisper.windows import CLIPS_AT_MOST, LONGEST_SHARED_S, shared_windows, sound_of, window_context

#: A second look is over after so much of the time that was left. A robot waits 5 s from the end of a sentence and
#: should have its transcript in half of that: 1.4 s are for hearing, the rest for a machine that turns busier.
_SHARE_OF_TIME_LEFT = 1 / 3
#: Of what clips in one window say, this much confidence is believed; what is heard with less is heard again alone. With
#: 0.6, as alone, 11 of 1,000 words were wrong, with 0.75 there are 7, and with 0.9 none, but nearly no time is saved.
_SURE_AMONG_OTHERS = 0.75


class Hearing:
    """Not for several threads at once."""

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
        self._gate = SpeechGate()
        self._ready_by_s = 0.0

    def transcripts(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        """One for each clip. Several short ones share the encoder; where that leaves a doubt, they are heard alone."""
        self._ready_by_s = self._clock() + self._time_left_s() * _SHARE_OF_TIME_LEFT
        done: dict[int, Transcript] = {}
        short: dict[str, dict[int, Samples]] = defaultdict(dict)
        share = len(clips) > 1 and self._settings.batch_size > 1
        for number, clip in enumerate(clips):
            samples = model_samples(clip)
            if is_silent(samples) or not self._gate.hears_speech(samples):
                done[number] = self._transcript(clip, language, ())
                continue
            spoken = language or self._detect(samples)
            if share and clip.duration_s <= LONGEST_SHARED_S:
                short[spoken][number] = samples
            else:
                done[number] = self._transcript(clip, spoken, self._alone(samples, spoken))
        for spoken, group in short.items():
            together = self._together(group, spoken)
            for number, samples in group.items():
                segments = together[number] if number in together else self._alone(samples, spoken)
                done[number] = self._transcript(clips[number], spoken, segments)
        return [done[number] for number in range(len(clips))]

    def _alone(self, samples: Samples, language: str) -> Sequence[HeardSegment]:
        samples = at_least_one_second(samples)
        context = fit_context(len(samples) / MODEL_RATE)
        began_s = self._clock()
        segments = self._engine.transcribe(samples, language)
        now_s = self._clock()
        # The encoder takes nearly all of the time.
        in_time = now_s + (now_s - began_s) * FULL_CONTEXT / context <= self._ready_by_s
        if context <= FULL_CONTEXT // 2 and in_time and self._is_doubtful(segments):
            # The fitted context costs a word now and then, and Whisper then sounds unsure of it.
            again = self._engine.transcribe(samples, language, context_of=lambda duration_s: FULL_CONTEXT)
            segments = max(segments, again, key=_confidence)
        return [segment for segment in segments if self._was_said(segment)]

    def _together(self, clips: Mapping[int, Samples], language: str) -> dict[int, Sequence[HeardSegment]]:
        """What was said in those of the clips for which sharing leaves no doubt."""
        found: dict[int, Sequence[HeardSegment]] = {}
        for most in CLIPS_AT_MOST:
            left = {number: samples for number, samples in clips.items() if number not in found}
            windows = [window for window in shared_windows(left, most) if len(window) > 1]
            sounds = [sound_of(window, clips) for window in windows]
            heard = self._engine.transcribe_together(sounds, language, context_of=window_context)
            for tokens, window in zip(heard, windows, strict=True):
                found |= told_apart(tokens, window)
        return {
            number: segments
            for number, segments in found.items()
            if all(map(self._was_said, segments))
            and _confidence(segments) >= max(_SURE_AMONG_OTHERS, self._settings.recheck_confidence)
        }

    def _transcript(self, clip: AudioClip, language: str | None, segments: Sequence[HeardSegment]) -> Transcript:
        return Transcript(
            text="".join(segment.text for segment in segments).strip(),
            language=language,
            segments=tuple(_segment(segment, clip.duration_s) for segment in segments),
            no_speech=not segments,
            duration_s=clip.duration_s,
        )

    def _detect(self, samples: Samples) -> str:
        if not self._engine.multilingual:
            return "en"
        probabilities = self._engine.language_probabilities(at_least_one_second(samples))
        return choose_language(probabilities, self._settings.expected_languages)

    def _is_doubtful(self, segments: Sequence[HeardSegment]) -> bool:
        return bool(segments) and _confidence(segments) < self._settings.recheck_confidence

    def _was_said(self, segment: HeardSegment) -> bool:
        if is_annotation(segment.text) or is_film_credit(segment.text) or repeats_itself(segment.text):
            return False
        return segment.probability is not None and segment.probability >= self._settings.min_confidence


def _confidence(segments: Sequence[HeardSegment]) -> float:
    """That of the least certain; 0 where nothing was heard, or only marks."""
    return min((segment.probability or 0.0 for segment in segments), default=0.0)


def _segment(heard: HeardSegment, duration_s: float) -> Segment:
    """Its times lie within the clip; Whisper's may lie in the silence that was put after it."""
    start_s = min(max(heard.start_s, 0.0), duration_s)
    end_s = min(max(heard.end_s, start_s), duration_s)
    return Segment(text=heard.text.strip(), start_s=start_s, end_s=end_s, confidence=heard.probability)
