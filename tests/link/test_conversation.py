"""The robot's conversation: answers are spoken while they are written, broken off when the person speaks, and handed
back to the robot's own chat where there is none."""

from __future__ import annotations

from typing import Any

import pytest
from link_stage import MEDIA, Stage, metric

from rider_core.api import AudioClip
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


def nobody() -> None:
    pytest.fail("the robot was asked to answer by itself")


@pytest.fixture
def talk(stage: Stage) -> Any:
    """The conversation of a link that may answer, with two workers."""
    for _ in range(2):
        stage.start_worker("voice", "text")
    stage.robot.switch("text", "pc")
    stage.link.start()
    conversation = stage.link._conversation
    wait_until(lambda: conversation.wanted and not stage.link.describe()["problems"])
    return conversation


def said(stage: Stage) -> list[str]:
    """The sentences whose sound went to the robot completely."""
    return [told["text"] for told in stage.tells("robot.speech")]


def test_the_first_sentence_is_heard_before_the_last_is_written(stage: Stage, talk: Any) -> None:
    talk.answer("One two. Three wait. Four five.", "en", nobody)
    wait_until(lambda: stage.heard("voice.tts.chunk") and said(stage))  # the robot may have it first
    assert said(stage) == ["One two."]
    assert stage.tells("robot.reply") == []
    stage.go.touch()
    wait_until(lambda: stage.tells("robot.reply") and len(said(stage)) == 3)
    assert said(stage) == ["One two.", "Three wait.", "Four five."]
    (reply,) = stage.tells("robot.reply")
    assert (reply["text"], reply["provider"]) == ("One two. Three wait. Four five.", "test-mind")
    assert not reply["interrupted"]
    assert 0 < reply["first_sentence_ms"] < reply["duration_ms"]


def test_who_speaks_breaks_the_answer_off(stage: Stage, talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.link._tts, "_chunk_s", 0.1)
    talk.answer("Before it. " + "word " * 60 + "end. wait never.", "en", nobody)
    wait_until(lambda: len(stage.heard("voice.tts.chunk")) > 5)
    talk.interrupt()
    wait_until(lambda: bool(stage.tells("robot.reply")))
    (reply,) = stage.tells("robot.reply")
    assert reply["interrupted"]
    sent = len(stage.heard("voice.tts.chunk"))
    assert sent < 15  # of 2.5 s in pieces of 0.1 s
    wait_until(lambda: not stage.link._tts._in_progress)
    talk.answer("Next one.", "en", nobody)
    wait_until(lambda: "Next one." in said(stage))
    assert len(stage.heard("voice.tts.chunk")) <= sent + 1 + 2
    # Neither the text, which would wait for ever, nor its sound is made any further.
    wait_until(lambda: sum(queue.running for queue in stage.backend.stats()) == 0)


def test_the_last_question_counts(stage: Stage, talk: Any) -> None:
    talk.answer("First wait. Never said.", "en", nobody)
    wait_until(lambda: talk._current is not None and bool(talk._current.job_id))
    talk.answer("Second. ", "en", nobody)
    wait_until(lambda: said(stage) == ["Second."])


def test_a_question_that_waits_is_answered_though_there_is_noise(stage: Stage, talk: Any) -> None:
    """The robot's own chat is silent for it already."""
    talk.answer("First wait. Never said.", "en", nobody)
    wait_until(lambda: talk._current is not None and bool(talk._current.job_id))
    with talk._changed:  # the thread cannot take the question yet
        talk.answer("Second.", "en", nobody)
        talk.interrupt()
    wait_until(lambda: said(stage) == ["Second."])


def test_what_was_said_before_is_remembered_and_after_a_while_forgotten(
    stage: Stage, talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.answer("I am Ala.", "en", nobody)
    wait_until(lambda: len(stage.tells("robot.reply")) == 1)
    talk.answer("history?", "en", nobody)
    wait_until(lambda: len(stage.tells("robot.reply")) == 2)
    assert stage.tells("robot.reply")[1]["text"] == "user I am Ala. assistant I am Ala."
    monkeypatch.setattr("rider_core.link.conversation.FORGOTTEN_AFTER_S", 0.0)
    failed = metric("rider_answers_total", outcome="failed")
    talk.answer("history?", "en", lambda: None)  # no history: an empty answer, which is a failure
    wait_until(lambda: metric("rider_answers_total", outcome="failed") == failed + 1)


def test_the_preset_is_in_the_language_of_who_speaks(stage: Stage, talk: Any) -> None:
    talk.answer("system?", "pl", nobody)
    wait_until(lambda: len(stage.tells("robot.reply")) == 1)
    assert stage.tells("robot.reply")[0]["text"].startswith("Jesteś Rider")


def test_a_language_that_the_voice_lacks_is_spoken_with_its_default(stage: Stage, talk: Any) -> None:
    talk.answer("Guten Tag.", "de", nobody)
    wait_until(lambda: said(stage) == ["Guten Tag."])


def test_a_question_that_cannot_be_answered_goes_to_the_robots_own_chat(stage: Stage, talk: Any) -> None:
    handed: list[bool] = []
    talk.answer("impossible", "en", lambda: handed.append(True))
    wait_until(lambda: handed == [True])
    talk.answer("Well.", "en", nobody)
    wait_until(lambda: said(stage) == ["Well."])
    assert stage.mode("text") == "pc", "the next may be answered"


def test_an_answer_without_words_is_the_robots_own_to_give(stage: Stage, talk: Any) -> None:
    handed: list[bool] = []
    talk.answer("😊 ***", "en", lambda: handed.append(True))
    wait_until(lambda: handed == [True])
    talk.answer("**Well.** 😊", "en", nobody)
    wait_until(lambda: said(stage) == ["Well."])
    # The first one is over for certain: its thread has answered the second.
    assert stage.mode("text") == "pc", "one smile is no reason to give text back"


def test_a_broken_engine_hands_text_back(stage: Stage, talk: Any) -> None:
    handed: list[bool] = []
    stage.broken.write_text("no mind today")
    talk.answer("Hello.", "en", lambda: handed.append(True))
    wait_until(lambda: handed == [True] and stage.mode("text") == "local")
    assert "no mind today" in stage.reason("text")
    wait_until(lambda: not talk.wanted)


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_what_a_person_says_is_answered_aloud(stage: Stage, talk: Any) -> None:
    stage.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    stage.robot.mute(False)
    wait_until(lambda: len(stage.tells("robot.reply")) >= 2, 30)
    results = stage.heard("voice.asr.result")
    assert {result.get("reply") for result in results} == {""}
    assert stage.tells("robot.reply")[-1]["prompt"] in [result["text"] for result in results]
    assert stage.heard("voice.tts.chunk")
