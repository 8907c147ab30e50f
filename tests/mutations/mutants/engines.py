"""The engines in `plugins/`."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "somebody who waits is kept waiting for a second look",
        "plugins/rider-voice-whisper/rider_voice_whisper/hearing.py",
        " and in_time",
        "",
        ("plugins/rider-voice-whisper/tests/test_whisper_hearing.py", "kept_waiting"),
    ),
    Mutant(
        "who repeats himself is not heard",
        "plugins/rider-voice-whisper/rider_voice_whisper/invented.py",
        "(is_repeated or is_film_credit(text)) and not (speech_s and can_be_said(text, speech_s + _UNSURE_S))",
        "is_repeated or is_film_credit(text)",
        ("plugins/rider-voice-whisper/tests/test_whisper_invented.py", "that_somebody_says"),
    ),
    Mutant(
        "what nobody can have said is heard",
        "plugins/rider-voice-whisper/rider_voice_whisper/invented.py",
        "(is_repeated or is_film_credit(text)) and not (speech_s and can_be_said(text, speech_s + _UNSURE_S))",
        "False",
        (
            "plugins/rider-voice-whisper/tests/test_whisper_invented.py",
            "in_a_moment_without_speech or over_several_segments",
        ),
    ),
    Mutant(
        "a decoder's loop comes out whole",
        "plugins/rider-voice-whisper/rider_voice_whisper/invented.py",
        "text=shortened(text, speech_s)",
        "text=text",
        ("plugins/rider-voice-whisper/tests/test_whisper_invented.py", "test_within_a_segment"),
    ),
    Mutant(
        "a loop is not heard again",
        "plugins/rider-voice-whisper/rider_voice_whisper/hearing.py",
        " or not _fits(segments, duration_s)",
        "",
        ("plugins/rider-voice-whisper/tests/test_whisper_hearing.py", "the_more_certain_counts"),
    ),
    Mutant(
        "Whisper gets long pauses",
        "plugins/rider-voice-whisper/rider_voice_whisper/pieces.py",
        "PAUSE_S = 2.0",
        "PAUSE_S = 1e9",
        ("plugins/rider-voice-whisper/tests/test_whisper_sound.py", "test_a_long_pause_is_left_out"),
    ),
    Mutant(
        "channels that cancel each other out are silence",
        "plugins/rider-voice-whisper/rider_voice_whisper/sound.py",
        "if mono.var() < _CANCELLED * powers.max() / pcm.shape[1] ** 2:",
        "if False:",
        ("plugins/rider-voice-whisper/tests/test_whisper_sound.py", "test_channels_that_cancel"),
    ),
    Mutant(
        "an offset hides speech",
        "plugins/rider-voice-whisper/rider_voice_whisper/sound.py",
        "return filtered if np.square(mono - filtered).sum() > np.square(filtered).sum() else mono",
        "return mono",
        ("plugins/rider-voice-whisper/tests/test_whisper_sound.py", "test_what_is_too_low"),
    ),
    Mutant(
        "a person becomes the chair behind",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "places.setdefault(found.label, []).append(place)",
        'places.setdefault("", []).append(place)',
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_a_person_never"),
    ),
    Mutant(
        "who is covered gets the box of the one in front",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "numbers[place] = self._number(renamed.get(theirs, theirs))",
        "numbers[place] = self._number(theirs)",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_two_that_cross_keep"),
    ),
    Mutant(
        "the library's numbers begin again with each class",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "self._ours[theirs] = next(self._numbers)",
        "self._ours[theirs] = theirs + 1",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_numbers_are_never"),
    ),
    Mutant(
        "an empty class is kept",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "            if one.is_empty:\n                del self._classes[label]\n",
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
        "max(_LEAST_STEP_S, elapsed_s)",
        "max(0.0, elapsed_s)",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_a_clock_that_stands"),
    ),
    Mutant(
        "a box beyond all measure ends the tracker",
        "plugins/rider-vision-tracking/rider_vision_tracking/byte_track.py",
        "(min(max(side, -_FAR_PX), _FAR_PX) for side in box)",
        "box",
        ("plugins/rider-vision-tracking/tests/test_tracking.py", "test_boxes_that_are_none"),
    ),
    Mutant(
        "JSON is wished for and not promised",
        "plugins/rider-text-llama/rider_text_llama/guide.py",
        "logits[allowed == 0] = -np.inf",
        "pass",
        ("plugins/rider-text-llama/tests/test_llama_json.py", "test_it_keeps_the_schema"),
    ),
]
