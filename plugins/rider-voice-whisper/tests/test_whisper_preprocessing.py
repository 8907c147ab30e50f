"""Preprocessing of clips: channels, DC offset, hum, VAD, and the cutting of pauses."""

from __future__ import annotations

import numpy as np
import pytest
from rider_voice_whisper.audio import SILENCE_RMS, loudness, model_samples, split_channels
from rider_voice_whisper.engine import MODEL_RATE, DecodedSegment
from rider_voice_whisper.speech_chunks import MARGIN_S, MAX_CHUNK_S, MIN_TRIM_S, PAUSE_S, speech_chunks
from rider_voice_whisper.vad import FRAME_S, SpeechDetector, SpeechProbabilities

from rider_core.api import AudioClip

TIME_S = np.arange(2 * MODEL_RATE) / MODEL_RATE
TONE = 0.02 * np.sin(2 * np.pi * 300 * TIME_S)


def clip_of(*channels: np.ndarray, rate: int = MODEL_RATE) -> AudioClip:
    return AudioClip((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes(), rate, len(channels))


def inner_error(clip: AudioClip, wanted: np.ndarray) -> float:
    """The largest difference, without the ends, where an offset begins out of nothing."""
    samples = model_samples(clip)
    assert len(samples) == len(wanted)
    return float(np.abs(samples - wanted)[2_000:-2_000].max())


class TestAudio:
    @pytest.mark.parametrize(
        "low",
        [np.full(len(TIME_S), 0.8), np.full(len(TIME_S), -0.8), 0.5 * np.sin(2 * np.pi * 30 * TIME_S)],
        ids=["offset", "negative offset", "rumble"],
    )
    def test_what_is_too_low_for_speech_is_filtered_out(self, low: np.ndarray) -> None:
        assert inner_error(clip_of(low + TONE), TONE) < 0.002

    def test_an_offset_leaves_no_click_at_the_ends(self) -> None:
        assert loudness(model_samples(clip_of(np.full(len(TIME_S), 0.8)))) < SILENCE_RMS

    @pytest.mark.parametrize("frequency_hz", [100, 200, 1_000, 6_000])
    def test_speech_is_left_as_it_is(self, frequency_hz: float) -> None:
        tone = 0.3 * np.sin(2 * np.pi * frequency_hz * TIME_S)
        assert inner_error(clip_of(tone), tone) < 0.01

    def test_a_long_clip_is_filtered_without_seams(self) -> None:
        tone = np.tile(TONE, 10)  # more than two blocks
        assert inner_error(clip_of(0.5 + tone), tone) < 0.002

    def test_channels_that_cancel_each_other_out(self) -> None:
        assert inner_error(clip_of(TONE, -TONE), TONE) < 0.002
        assert inner_error(clip_of(-0.5 * TONE, TONE, -0.5 * TONE), TONE) < 0.002

    def test_speech_in_one_channel(self) -> None:
        assert inner_error(clip_of(0 * TONE, TONE), TONE / 2) < 0.002

    def test_channels_one_by_one(self) -> None:
        found = split_channels(clip_of(TONE, -TONE / 2))
        assert [(it.channels, it.frames) for it in found] == [(1, len(TIME_S))] * 2
        assert inner_error(found[1], -TONE / 2) < 0.002
        assert split_channels(clip_of(TONE)) == split_channels(clip_of(TONE, TONE * 0.8)) == []

    def test_resampling(self) -> None:
        at_48_khz = 0.2 * np.sin(2 * np.pi * 300 * np.arange(96_000) / 48_000)
        assert inner_error(clip_of(at_48_khz, rate=48_000), 10 * TONE) < 0.01

    def test_loudness_is_that_of_the_loudest_moment_and_no_click_is_one(self) -> None:
        burst = np.zeros(MODEL_RATE, np.float32)
        burst[8_000:8_320] = 0.01
        assert loudness(burst) == pytest.approx(0.01)
        burst[100] = 1
        assert loudness(burst) < 0.1
        assert loudness(np.zeros(0, np.float32)) == 0


def probabilities_of(*probabilities: tuple[float, float]) -> SpeechProbabilities:
    """Seconds and the probability of speech in them, one after the other."""
    return SpeechProbabilities(np.concatenate([np.full(round(s / FRAME_S), p, np.float32) for s, p in probabilities]))


class TestSpans:
    def test_speech_begins_and_ends_faintly(self) -> None:
        (span,) = probabilities_of((1.0, 0.0), (0.32, 0.2), (0.64, 0.9), (0.32, 0.2), (1.0, 0.1)).spans(PAUSE_S)
        assert span.start_s == pytest.approx(1.0, abs=FRAME_S)
        assert span.end_s == pytest.approx(2.28, abs=FRAME_S)

    def test_faint_frames_alone_are_no_speech(self) -> None:
        assert probabilities_of((1.0, 0.0), (3.0, 0.25)).spans(PAUSE_S) == []

    @pytest.mark.parametrize(("pause_s", "spans"), [(PAUSE_S - 0.1, 1), (PAUSE_S + 0.1, 2)])
    def test_spans_with_a_short_pause_are_merged(self, pause_s: float, spans: int) -> None:
        assert len(probabilities_of((1.0, 0.9), (pause_s, 0.0), (1.0, 0.9)).spans(PAUSE_S)) == spans

    def test_clear_speech_is_counted_between_two_times(self) -> None:
        speech = probabilities_of((1.0, 0.9), (1.0, 0.4), (1.0, 0.6))
        assert speech.clear_speech_s(0.5, 2.5) == pytest.approx(1.0, abs=2 * FRAME_S)
        assert speech.clear_speech_s(-5.0, 99.0) == pytest.approx(2.0, abs=2 * FRAME_S)
        assert speech.clear_speech_s(7.0, 8.0) == 0

    def test_silence_has_no_speech(self) -> None:
        detector = SpeechDetector()
        for samples in (np.zeros(0, np.float32), np.zeros(99, np.float32), np.full(16_000, 1e-5, np.float32)):
            assert detector.detect(samples).spans(PAUSE_S) == []


class TestChunks:
    def test_a_long_pause_is_left_out(self) -> None:
        speech = probabilities_of((4.0, 0.0), (2.0, 0.9), (60.0, 0.0), (2.0, 0.9), (5.0, 0.0))
        samples = np.arange(73 * MODEL_RATE, dtype=np.float32)
        found = speech_chunks(samples, speech)
        assert [chunk.start_s for chunk in found] == pytest.approx([4.0 - MARGIN_S, 66.0 - MARGIN_S], abs=0.1)
        for chunk in found:
            assert chunk.duration_s == pytest.approx(2.0 + 2 * MARGIN_S, abs=0.1)
            assert chunk.samples[0] / MODEL_RATE == pytest.approx(chunk.start_s, abs=0.001)

    @pytest.mark.parametrize(("more_s", "cut"), [(MIN_TRIM_S - 0.1, False), (MIN_TRIM_S + 0.1, True)])
    def test_its_ends_are_cut_off_where_that_is_worth_it(self, more_s: float, cut: bool) -> None:
        quiet_s = MARGIN_S + more_s
        samples = np.zeros(round((2 * quiet_s + 2.0) * MODEL_RATE), np.float32)
        (chunk,) = speech_chunks(samples, probabilities_of((quiet_s, 0.0), (2.0, 0.9), (quiet_s, 0.0)))
        assert (chunk.duration_s < len(samples) / MODEL_RATE - 2 * MIN_TRIM_S) == cut
        assert (chunk.duration_s == len(samples) / MODEL_RATE) != cut

    def test_segments_have_the_clips_times(self) -> None:
        (chunk,) = speech_chunks(
            np.zeros(10 * MODEL_RATE, np.float32), probabilities_of((5.0, 0.0), (2.0, 0.9), (3.0, 0.0))
        )
        segment, late = chunk.to_clip_times(
            [DecodedSegment("stop", MARGIN_S, MARGIN_S + 1, 0.9), DecodedSegment("it", 2, 29, 0.9)]
        )
        assert (segment.start_s, segment.end_s) == pytest.approx((5.0, 6.0), abs=FRAME_S)
        assert late.end_s == pytest.approx(7.0 + MARGIN_S, abs=2 * FRAME_S), "not after the chunk"

    def test_nothing_without_speech(self) -> None:
        assert speech_chunks(np.zeros(MODEL_RATE, np.float32), probabilities_of((1.0, 0.1))) == []

    @pytest.mark.parametrize(
        "parts",
        [
            [(0.9, 100.0)],
            [(0.9, 25.0), (0.05, 0.3), (0.9, 60.0)],
            [(0.9, 1.0), (0.0, 2.5)] * 40,
            [(0.9, 27.9), (0.0, 2.0), (0.9, 0.1)],
            [(0.9, 0.01)],
        ],
        ids=["without a pause", "with one pause", "short ones", "as long as may be", "one frame"],
    )
    def test_all_speech_is_in_one_chunk_and_none_is_too_long(self, parts: list[tuple[float, float]]) -> None:
        speech = probabilities_of(*((max(seconds, FRAME_S), probability) for probability, seconds in parts))
        duration_s = sum(max(seconds, FRAME_S) for _, seconds in parts)
        samples = np.arange(round(duration_s * MODEL_RATE), dtype=np.float64)
        found = speech_chunks(samples, speech)
        assert all(0 < chunk.duration_s <= MAX_CHUNK_S + 2 * MARGIN_S for chunk in found)
        numbers = np.concatenate([chunk.samples for chunk in found])
        assert np.all(np.diff(numbers) > 0), "a sample is there twice, or in another order"
        for span in speech.spans(0.0):
            inside = (numbers >= span.start_s * MODEL_RATE) & (numbers < span.end_s * MODEL_RATE)
            assert inside.sum() == pytest.approx((span.end_s - span.start_s) * MODEL_RATE, abs=MODEL_RATE * FRAME_S)

    def test_speech_without_a_pause_is_cut_where_it_is_faintest(self) -> None:
        speech = probabilities_of((22.0, 0.9), (0.3, 0.3), (20.0, 0.9))
        first, second = speech_chunks(np.zeros(round(42.3 * MODEL_RATE), np.float32), speech)
        assert first.duration_s == pytest.approx(22.15, abs=0.2)
        assert second.start_s == pytest.approx(first.duration_s)
