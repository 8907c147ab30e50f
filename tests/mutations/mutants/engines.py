"""The engines in `plugins/`."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "a recheck makes a job miss its deadline",
        "plugins/rider-voice-whisper/rider_voice_whisper/transcription.py",
        " and in_time",
        "",
        ("plugins/rider-voice-whisper/tests/test_whisper_recheck.py", "a_near_deadline"),
    ),
    Mutant(
        "spoken repetitions are dropped",
        "plugins/rider-voice-whisper/rider_voice_whisper/hallucination_filter.py",
        "(is_repetition or is_film_credit(text)) and not (speech_s and is_speakable_in(text, speech_s + _VAD_LOSS_S))",
        "is_repetition or is_film_credit(text)",
        ("plugins/rider-voice-whisper/tests/test_whisper_hallucinations.py", "that_is_spoken"),
    ),
    Mutant(
        "hallucinations are kept",
        "plugins/rider-voice-whisper/rider_voice_whisper/hallucination_filter.py",
        "(is_repetition or is_film_credit(text)) and not (speech_s and is_speakable_in(text, speech_s + _VAD_LOSS_S))",
        "False",
        (
            "plugins/rider-voice-whisper/tests/test_whisper_hallucinations.py",
            "in_a_moment_without_speech or over_several_segments",
        ),
    ),
    Mutant(
        "a decoder loop is not trimmed",
        "plugins/rider-voice-whisper/rider_voice_whisper/hallucination_filter.py",
        "text=trim_loops(text, speech_s)",
        "text=text",
        ("plugins/rider-voice-whisper/tests/test_whisper_hallucinations.py", "test_within_a_segment"),
    ),
    Mutant(
        "a loop is not rechecked",
        "plugins/rider-voice-whisper/rider_voice_whisper/transcription.py",
        " or not _fits(segments, duration_s)",
        "",
        ("plugins/rider-voice-whisper/tests/test_whisper_recheck.py", "the_more_certain_counts"),
    ),
    Mutant(
        "Whisper gets long pauses",
        "plugins/rider-voice-whisper/rider_voice_whisper/speech_chunks.py",
        "PAUSE_S = 2.0",
        "PAUSE_S = 1e9",
        ("plugins/rider-voice-whisper/tests/test_whisper_preprocessing.py", "test_a_long_pause_is_left_out"),
    ),
    Mutant(
        "channels that cancel each other out are silence",
        "plugins/rider-voice-whisper/rider_voice_whisper/audio.py",
        "if mono.var() < _CANCELLED_SHARE * powers.max() / pcm.shape[1] ** 2:",
        "if False:",
        ("plugins/rider-voice-whisper/tests/test_whisper_preprocessing.py", "test_channels_that_cancel"),
    ),
    Mutant(
        "a DC offset hides speech",
        "plugins/rider-voice-whisper/rider_voice_whisper/audio.py",
        "return filtered if np.square(mono - filtered).sum() > np.square(filtered).sum() else mono",
        "return mono",
        ("plugins/rider-voice-whisper/tests/test_whisper_preprocessing.py", "test_what_is_too_low"),
    ),
    Mutant(
        "a person becomes the chair behind",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "places.setdefault(found.label, []).append(place)",
        'places.setdefault("", []).append(place)',
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_a_person_never"),
    ),
    Mutant(
        "a covered object gets the box of the one in front",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "numbers[place] = self._number(corrected.get(library_id, library_id))",
        "numbers[place] = self._number(library_id)",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_two_that_cross_keep"),
    ),
    Mutant(
        "the library's numbers begin again with each class",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "self._ids[library_id] = next(self._numbers)",
        "self._ids[library_id] = library_id + 1",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_numbers_are_never"),
    ),
    Mutant(
        "an empty class is kept",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "            if tracker.is_empty:\n                del self._classes[label]\n",
        "",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_nothing_is_kept"),
    ),
    Mutant(
        "any number of classes is followed",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "if found.label in places or len(places) < MAX_CLASSES:",
        "if True:",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_more_classes"),
    ),
    Mutant(
        "a clock that stands still makes the library complain",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "max(_MIN_STEP_S, elapsed_s)",
        "max(0.0, elapsed_s)",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_a_clock_that_stands"),
    ),
    Mutant(
        "a box with huge coordinates ends the tracker",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "(min(max(side, -_MAX_COORDINATE_PX), _MAX_COORDINATE_PX) for side in box)",
        "box",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_boxes_that_are_none"),
    ),
    Mutant(
        "tokens that break the JSON schema are not masked",
        "plugins/rider-text-llama/rider_text_llama/grammar.py",
        "logits[allowed == 0] = -np.inf",
        "pass",
        ("plugins/rider-text-llama/tests/test_llama_json.py", "test_it_keeps_the_schema"),
    ),
]
