"""From clips to transcripts: what is worth asking Whisper about, how, and which of its answers are believed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rider_core.api import AudioClip, Segment, Transcript
from rider_voice_whisper.attribution import told_apart
from rider_voice_whisper.engine import FULL_CONTEXT, MODEL_RATE, HeardSegment, Samples, WhisperEngine, fit_context
from rider_voice_whisper.invented import can_be_said, without_inventions
from rider_voice_whisper.language import ELSEWISE, Choice, choose_language
from rider_voice_whisper.pieces import Piece, pieces
from rider_voice_whisper.settings import WhisperConfig
from rider_voice_whisper.sound import at_least_one_second, each_channel, model_samples, too_quiet
from rider_voice_whisper.voiced import SpeechDetector, Voiced
from rider_voice_whisper.windows import CLIPS_AT_MOST, LONGEST_SHARED_S, shared_windows, sound_of, window_context

#: A second look is over after so much of the time that was left. A robot waits 5 s from the end of a sentence and
#: should have its transcript in half of that: 1.4 s are for hearing, the rest for a machine that turns busier.
_SHARE_OF_TIME_LEFT = 1 / 3
#: Of what clips in one window say, this much confidence is believed; what is heard with less is heard again alone. With
#: 0.6, as alone, 11 of 1,000 words were wrong, with 0.75 there are 7, and with 0.9 none, but nearly no time is saved.
_SURE_AMONG_OTHERS = 0.75
#: One channel replaces the mean of all where it has this many times the speech of the mean. With less, each of two
#: speakers may have a channel.
_MORE_ALONE = 1.25
#: Where somebody speaks so long and no word is understood, people are told.
_WORTH_A_WORD_S = 0.5


@dataclass(frozen=True)
class _Speech:
    """The speech of one clip; in several pieces where it is long or has long pauses.

    Attributes:
        spoken: Its language.
    """

    clip: AudioClip
    voiced: Voiced
    pieces: Sequence[Piece]
    spoken: Choice

    @property
    def beginning(self) -> Samples:
        return self.pieces[0].samples

    @property
    def is_short(self) -> bool:
        return len(self.pieces) == 1 and self.pieces[0].duration_s <= LONGEST_SHARED_S


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
        self._detector = SpeechDetector()
        self._ready_by_s = 0.0

    def transcripts(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        """One for each clip. Several short ones share the encoder; where that leaves a doubt, they are heard alone."""
        self._ready_by_s = self._clock() + self._time_left_s() * _SHARE_OF_TIME_LEFT
        done: dict[int, Transcript] = {}
        short: dict[str, dict[int, _Speech]] = defaultdict(dict)
        share = len(clips) > 1 and self._settings.batch_size > 1
        for number, clip in enumerate(clips):
            samples, voiced = self._listened(clip)
            speech = self._speech(clip, samples, voiced, language)
            if speech is None:
                done[number] = Transcript(
                    text="", language=language, no_speech=True, hint=too_quiet(samples), duration_s=clip.duration_s
                )
            elif share and speech.is_short:
                short[speech.spoken.language][number] = speech
            else:
                done[number] = _transcript(speech, self._alone(speech))
        for spoken, group in short.items():
            together = self._together(group, spoken)
            for number, speech in group.items():
                segments = together[number] if number in together else self._alone(speech)
                done[number] = _transcript(speech, segments)
        return [done[number] for number in range(len(clips))]

    def _listened(self, clip: AudioClip) -> tuple[Samples, Voiced]:
        """The mean of the channels; where one drowns the speech in another, the channel with the most speech."""
        samples = model_samples(clip)
        voiced = self._detector.listen(samples)
        most_s = voiced.clear_speech_s(0.0, clip.duration_s) * _MORE_ALONE
        for channel in each_channel(clip):
            alone = model_samples(channel)
            in_channel = self._detector.listen(alone)
            speech_s = in_channel.clear_speech_s(0.0, clip.duration_s)
            if speech_s > most_s:
                samples, voiced, most_s = alone, in_channel, speech_s
        return samples, voiced

    def _speech(self, clip: AudioClip, samples: Samples, voiced: Voiced, language: str | None) -> _Speech | None:
        """The clip's pieces with speech, and their language. None: the clip has no speech."""
        found = pieces(samples, voiced)
        if not found:
            return None
        return _Speech(clip, voiced, found, Choice(language) if language else self._detect(_fullest(found, voiced)))

    def _alone(self, speech: _Speech) -> Sequence[HeardSegment]:
        heard = [
            segment
            for piece in speech.pieces
            for segment in piece.in_clip(self._heard_in(piece.samples, speech.spoken.language))
        ]
        return without_inventions(heard, speech.voiced, self._settings.min_confidence)

    def _heard_in(self, samples: Samples, language: str) -> Sequence[HeardSegment]:
        samples = at_least_one_second(samples)
        duration_s = len(samples) / MODEL_RATE
        context = fit_context(duration_s)
        began_s = self._clock()
        segments = self._engine.transcribe(samples, language)
        now_s = self._clock()
        # The encoder takes nearly all of the time.
        in_time = now_s + (now_s - began_s) * FULL_CONTEXT / context <= self._ready_by_s
        if context <= FULL_CONTEXT // 2 and in_time and self._is_doubtful(segments, duration_s):
            # The fitted context costs a word now and then, and Whisper then sounds unsure of it. With words that are
            # repeated it does not find the end, and sounds sure.
            again = self._engine.transcribe(samples, language, context_of=lambda _: FULL_CONTEXT)
            segments = max(segments, again, key=lambda it: (_fits(it, duration_s), _confidence(it)))
        return segments

    def _together(self, speeches: Mapping[int, _Speech], language: str) -> dict[int, Sequence[HeardSegment]]:
        """What was said in those of the clips for which sharing leaves no doubt."""
        clips = {number: speech.beginning for number, speech in speeches.items()}
        found: dict[int, Sequence[HeardSegment]] = {}
        for most in CLIPS_AT_MOST:
            left = {number: samples for number, samples in clips.items() if number not in found}
            windows = [window for window in shared_windows(left, most) if len(window) > 1]
            sounds = [sound_of(window, clips) for window in windows]
            heard = self._engine.transcribe_together(sounds, language, context_of=window_context)
            for tokens, window in zip(heard, windows, strict=True):
                found |= told_apart(tokens, window)
        sure = max(_SURE_AMONG_OTHERS, self._settings.recheck_confidence)
        said: dict[int, Sequence[HeardSegment]] = {}
        for number, segments in found.items():
            in_clip = speeches[number].pieces[0].in_clip(segments)
            believed = without_inventions(in_clip, speeches[number].voiced, self._settings.min_confidence)
            if believed == in_clip and _confidence(segments) >= sure:
                said[number] = believed
        return said

    def _detect(self, samples: Samples) -> Choice:
        if not self._engine.multilingual:
            return Choice("en")
        probabilities = self._engine.language_probabilities(at_least_one_second(samples))
        return choose_language(probabilities, self._settings.expected_languages)

    def _is_doubtful(self, segments: Sequence[HeardSegment], duration_s: float) -> bool:
        if self._settings.recheck_confidence == 0:
            return False
        # The detector found speech in this piece, so an empty result is doubtful, too.
        return (
            not segments or _confidence(segments) < self._settings.recheck_confidence or not _fits(segments, duration_s)
        )


def _fullest(found: Sequence[Piece], voiced: Voiced) -> Samples:
    """The piece with the most speech: the first may be a beep or a knock that was taken for some."""
    return max(found, key=lambda it: voiced.clear_speech_s(it.start_s, it.start_s + it.duration_s)).samples


def _transcript(speech: _Speech, segments: Sequence[HeardSegment]) -> Transcript:
    return Transcript(
        text="".join(segment.text for segment in segments).strip(),
        language=speech.spoken.language,
        segments=tuple(
            Segment(text=it.text.strip(), start_s=it.start_s, end_s=it.end_s, confidence=it.probability)
            for it in segments
        ),
        no_speech=not segments,
        hint=speech.spoken.hint or ("" if segments else _not_understood(speech)),
        duration_s=speech.clip.duration_s,
    )


def _not_understood(speech: _Speech) -> str:
    if speech.voiced.clear_speech_s(0.0, speech.clip.duration_s) < _WORTH_A_WORD_S:
        return ""
    remedy = ELSEWISE if speech.spoken.detected else "name the language"
    return f"somebody speaks, but no word is clear in {speech.spoken.language}: come closer, or {remedy}"


def _fits(segments: Sequence[HeardSegment], duration_s: float) -> bool:
    return can_be_said("".join(segment.text for segment in segments), duration_s)


def _confidence(segments: Sequence[HeardSegment]) -> float:
    """That of the least certain; 0 where nothing was heard, or only marks."""
    return min((segment.probability or 0.0 for segment in segments), default=0.0)
