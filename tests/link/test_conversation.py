"""The robot's conversation: answers are spoken while they are written, broken off when the person speaks, and handed
back to the robot's own chat where there is none."""

from __future__ import annotations

from typing import Any

import pytest
from link_harness import MEDIA, LinkHarness, metric

from rider_core.api import AudioClip
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


def nobody() -> None:
    pytest.fail("the robot was asked to answer by itself")


@pytest.fixture
def talk(harness: LinkHarness) -> Any:
    """The conversation of a link that may answer, with two workers."""
    for _ in range(2):
        harness.start_worker("voice", "text")
    harness.robot.switch("text", "pc")
    harness.link.start()
    conversation = harness.link._conversation
    wait_until(lambda: conversation.wanted and not harness.link.describe()["problems"])
    return conversation


def said(harness: LinkHarness) -> list[str]:
    """The sentences whose sound went to the robot completely."""
    return [told["text"] for told in harness.events("robot.speech")]


def test_the_first_sentence_is_spoken_while_the_last_is_generated(harness: LinkHarness, talk: Any) -> None:
    talk.answer("One two. Three wait. Four five.", "en", nobody)
    wait_until(lambda: harness.received("voice.tts.chunk") and said(harness))  # the robot may have it first
    assert said(harness) == ["One two."]
    assert harness.events("robot.reply") == []
    harness.go.touch()
    wait_until(lambda: harness.events("robot.reply") and len(said(harness)) == 3)
    assert said(harness) == ["One two.", "Three wait.", "Four five."]
    (reply,) = harness.events("robot.reply")
    assert (reply["text"], reply["provider"]) == ("One two. Three wait. Four five.", "test-llm")
    assert not reply["interrupted"]
    assert 0 < reply["first_sentence_ms"] < reply["duration_ms"]


def test_an_interruption_stops_the_answer(harness: LinkHarness, talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.link._tts, "_chunk_s", 0.1)
    talk.answer("Before it. " + "word " * 60 + "end. wait never.", "en", nobody)
    wait_until(lambda: len(harness.received("voice.tts.chunk")) > 5)
    talk.interrupt()
    wait_until(lambda: bool(harness.events("robot.reply")))
    (reply,) = harness.events("robot.reply")
    assert reply["interrupted"]
    sent = len(harness.received("voice.tts.chunk"))
    assert sent < 15  # of 2.5 s in pieces of 0.1 s
    wait_until(lambda: not harness.link._tts._in_progress)
    talk.answer("Next one.", "en", nobody)
    wait_until(lambda: "Next one." in said(harness))
    assert len(harness.received("voice.tts.chunk")) <= sent + 1 + 2
    # Neither the text, which would wait for ever, nor its sound is made any further.
    wait_until(lambda: sum(queue.running for queue in harness.backend.stats()) == 0)


def test_a_new_question_replaces_the_answer_in_progress(harness: LinkHarness, talk: Any) -> None:
    talk.answer("First wait. Never said.", "en", nobody)
    wait_until(lambda: talk._current is not None and bool(talk._current.job_id))
    talk.answer("Second. ", "en", nobody)
    wait_until(lambda: said(harness) == ["Second."])


def test_a_question_that_waits_is_answered_after_an_interruption(harness: LinkHarness, talk: Any) -> None:
    """The robot's own chat is silent for it already."""
    talk.answer("First wait. Never said.", "en", nobody)
    wait_until(lambda: talk._current is not None and bool(talk._current.job_id))
    with talk._changed:  # the thread cannot take the question yet
        talk.answer("Second.", "en", nobody)
        talk.interrupt()
    wait_until(lambda: said(harness) == ["Second."])


def test_the_history_is_sent_with_the_next_question_and_expires(
    harness: LinkHarness, talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.answer("I am Ala.", "en", nobody)
    wait_until(lambda: len(harness.events("robot.reply")) == 1)
    talk.answer("history?", "en", nobody)
    wait_until(lambda: len(harness.events("robot.reply")) == 2)
    assert harness.events("robot.reply")[1]["text"] == "user I am Ala. assistant I am Ala."
    monkeypatch.setattr("rider_core.link.conversation.FORGOTTEN_AFTER_S", 0.0)
    failed = metric("rider_answers_total", outcome="failed")
    talk.answer("history?", "en", lambda: None)  # no history: an empty answer, which is a failure
    wait_until(lambda: metric("rider_answers_total", outcome="failed") == failed + 1)


def test_the_system_prompt_is_in_the_language_of_the_transcript(harness: LinkHarness, talk: Any) -> None:
    talk.answer("system?", "pl", nobody)
    wait_until(lambda: len(harness.events("robot.reply")) == 1)
    assert harness.events("robot.reply")[0]["text"].startswith("Jesteś Rider")


def test_a_language_that_the_voice_lacks_is_spoken_with_its_default(harness: LinkHarness, talk: Any) -> None:
    talk.answer("Guten Tag.", "de", nobody)
    wait_until(lambda: said(harness) == ["Guten Tag."])


def test_a_question_that_the_engine_rejects_is_left_to_the_robots_own_chat(harness: LinkHarness, talk: Any) -> None:
    handed: list[bool] = []
    talk.answer("impossible", "en", lambda: handed.append(True))
    wait_until(lambda: handed == [True])
    talk.answer("Well.", "en", nobody)
    wait_until(lambda: said(harness) == ["Well."])
    assert harness.mode("text") == "pc", "the next may be answered"


def test_an_answer_without_words_is_left_to_the_robots_own_chat(harness: LinkHarness, talk: Any) -> None:
    handed: list[bool] = []
    talk.answer("😊 ***", "en", lambda: handed.append(True))
    wait_until(lambda: handed == [True])
    talk.answer("**Well.** 😊", "en", nobody)
    wait_until(lambda: said(harness) == ["Well."])
    # The first one is over for certain: its thread has answered the second.
    assert harness.mode("text") == "pc", "one smile is no reason to give text back"


def test_a_broken_engine_fails_text_over(harness: LinkHarness, talk: Any) -> None:
    handed: list[bool] = []
    harness.broken.write_text("no mind today")
    talk.answer("Hello.", "en", lambda: handed.append(True))
    wait_until(lambda: handed == [True] and harness.mode("text") == "local")
    assert "no mind today" in harness.reason("text")
    wait_until(lambda: not talk.wanted)


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_recorded_speech_is_answered_with_speech(harness: LinkHarness, talk: Any) -> None:
    harness.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    harness.robot.mute(False)
    wait_until(lambda: len(harness.events("robot.reply")) >= 2, 30)
    results = harness.received("voice.asr.result")
    assert {result.get("reply") for result in results} == {""}
    assert harness.events("robot.reply")[-1]["prompt"] in [result["text"] for result in results]
    assert harness.received("voice.tts.chunk")
