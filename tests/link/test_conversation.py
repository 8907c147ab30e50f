"""The conversation: answers are spoken while they are generated, stop when the person speaks, and are left to the
robot's own chat where the PC has none."""

from __future__ import annotations

from typing import Any

import pytest
from link_harness import MEDIA, LinkHarness, metric

from rider_core.api import AudioClip
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


def must_not_be_unanswered() -> None:
    pytest.fail("the question was left to the robot's own chat")


@pytest.fixture
def conversation(harness: LinkHarness) -> Any:
    """The conversation of a link that serves text, with two workers."""
    for _ in range(2):
        harness.start_worker("voice", "text")
    harness.robot.switch("text", "pc")
    harness.link.start()
    conversation = harness.link._conversation
    wait_until(lambda: conversation.wanted and not harness.link.describe()["problems"])
    return conversation


def spoken(harness: LinkHarness) -> list[str]:
    """The sentences whose sound was sent to the robot completely."""
    return [event["text"] for event in harness.events("robot.speech")]


def test_the_first_sentence_is_spoken_while_the_last_is_generated(harness: LinkHarness, conversation: Any) -> None:
    conversation.answer("One two. Three wait. Four five.", "en", must_not_be_unanswered)
    wait_until(lambda: harness.received("voice.tts.chunk") and spoken(harness))  # the event may come later
    assert spoken(harness) == ["One two."]
    assert harness.events("robot.reply") == []
    harness.go.touch()
    wait_until(lambda: harness.events("robot.reply") and len(spoken(harness)) == 3)
    assert spoken(harness) == ["One two.", "Three wait.", "Four five."]
    (reply,) = harness.events("robot.reply")
    assert (reply["text"], reply["provider"]) == ("One two. Three wait. Four five.", "test-llm")
    assert not reply["interrupted"]
    assert 0 < reply["first_sentence_ms"] < reply["duration_ms"]


def test_an_interruption_stops_the_answer(
    harness: LinkHarness, conversation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.link._tts, "_chunk_s", 0.1)
    conversation.answer("Before it. " + "word " * 60 + "end. wait never.", "en", must_not_be_unanswered)
    wait_until(lambda: len(harness.received("voice.tts.chunk")) > 5)
    conversation.interrupt()
    wait_until(lambda: bool(harness.events("robot.reply")))
    (reply,) = harness.events("robot.reply")
    assert reply["interrupted"]
    sent = len(harness.received("voice.tts.chunk"))
    assert sent < 15  # of 2.5 s in chunks of 0.1 s
    wait_until(lambda: not harness.link._tts._in_progress)
    conversation.answer("Next one.", "en", must_not_be_unanswered)
    wait_until(lambda: "Next one." in spoken(harness))
    assert len(harness.received("voice.tts.chunk")) <= sent + 1 + 2
    # The jobs of the text, which would wait for ever, and of its sound are cancelled.
    wait_until(lambda: sum(queue.running for queue in harness.backend.stats()) == 0)


def test_an_interruption_stops_a_sentence_that_is_being_queued(
    harness: LinkHarness, conversation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interruption frees the slot for which the last sentence waits."""
    tts = harness.link._tts
    say = tts.say

    def say_after_interruption(job: Any, wait_s: float) -> bool:
        if job.text.startswith("Three"):
            conversation.interrupt()
        return bool(say(job, wait_s))

    monkeypatch.setattr(tts, "say", say_after_interruption)
    monkeypatch.setattr(tts, "_chunk_s", 0.1)
    # Without a final stop, the last sentence is complete only at the job's end.
    conversation.answer("One two. Three " + "words " * 12, "en", must_not_be_unanswered)
    wait_until(lambda: bool(harness.events("robot.reply")))
    (reply,) = harness.events("robot.reply")
    assert reply["interrupted"]
    wait_until(lambda: not tts._in_progress)
    assert not any(text.startswith("Three") for text in spoken(harness))


def test_a_new_question_replaces_the_answer_in_progress(harness: LinkHarness, conversation: Any) -> None:
    conversation.answer("First wait. Never said.", "en", must_not_be_unanswered)
    wait_until(lambda: conversation._current is not None and bool(conversation._current.job_id))
    conversation.answer("Second. ", "en", must_not_be_unanswered)
    wait_until(lambda: spoken(harness) == ["Second."])


def test_a_question_that_waits_is_answered_after_an_interruption(harness: LinkHarness, conversation: Any) -> None:
    """The robot's own chat was silenced for it already, so only the PC can answer."""
    conversation.answer("First wait. Never said.", "en", must_not_be_unanswered)
    wait_until(lambda: conversation._current is not None and bool(conversation._current.job_id))
    with conversation._changed:  # the thread cannot take the question yet
        conversation.answer("Second.", "en", must_not_be_unanswered)
        conversation.interrupt()
    wait_until(lambda: spoken(harness) == ["Second."])


def test_the_history_is_sent_with_the_next_question_and_expires(
    harness: LinkHarness, conversation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation.answer("I am Ala.", "en", must_not_be_unanswered)
    wait_until(lambda: len(harness.events("robot.reply")) == 1)
    conversation.answer("history?", "en", must_not_be_unanswered)
    wait_until(lambda: len(harness.events("robot.reply")) == 2)
    assert harness.events("robot.reply")[1]["text"] == "user I am Ala. assistant I am Ala."
    monkeypatch.setattr("rider_core.link.conversation.FORGOTTEN_AFTER_S", 0.0)
    failed = metric("rider_answers_total", outcome="failed")
    conversation.answer("history?", "en", lambda: None)  # no history: an empty answer, which is a failure
    wait_until(lambda: metric("rider_answers_total", outcome="failed") == failed + 1)


def test_the_system_prompt_is_in_the_language_of_the_transcript(harness: LinkHarness, conversation: Any) -> None:
    conversation.answer("system?", "pl", must_not_be_unanswered)
    wait_until(lambda: len(harness.events("robot.reply")) == 1)
    assert harness.events("robot.reply")[0]["text"].startswith("Jesteś Rider")


def test_a_language_that_the_voice_lacks_is_spoken_with_its_default(harness: LinkHarness, conversation: Any) -> None:
    conversation.answer("Guten Tag.", "de", must_not_be_unanswered)
    wait_until(lambda: spoken(harness) == ["Guten Tag."])


@pytest.mark.parametrize(
    ("question", "next_question"),
    [("impossible", "Well."), ("😊 ***", "**Well.** 😊")],
    ids=["the engine rejects it", "its answer has no words"],
)
def test_a_question_without_an_answer_is_left_to_the_robots_own_chat(
    harness: LinkHarness, conversation: Any, question: str, next_question: str
) -> None:
    unanswered: list[bool] = []
    conversation.answer(question, "en", lambda: unanswered.append(True))
    wait_until(lambda: unanswered == [True])
    conversation.answer(next_question, "en", must_not_be_unanswered)
    wait_until(lambda: spoken(harness) == ["Well."])
    # The thread has answered the second question, so it has finished with the first.
    assert harness.mode("text") == "pc", "one question is no reason for a failover"


def test_a_broken_engine_fails_text_over(harness: LinkHarness, conversation: Any) -> None:
    unanswered: list[bool] = []
    harness.broken.write_text("the model is broken")
    conversation.answer("Hello.", "en", lambda: unanswered.append(True))
    wait_until(lambda: unanswered == [True] and harness.mode("text") == "local")
    assert "the model is broken" in harness.reason("text")
    wait_until(lambda: not conversation.wanted)


@pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")
def test_recorded_speech_is_answered_with_speech(harness: LinkHarness, conversation: Any) -> None:
    harness.robot.play_to_microphone(AudioClip.from_wav((MEDIA / "beckett.wav").read_bytes()))
    harness.robot.mute(False)
    wait_until(lambda: len(harness.events("robot.reply")) >= 2, 30)
    results = harness.received("voice.asr.result")
    assert {result.get("reply") for result in results} == {""}
    assert harness.events("robot.reply")[-1]["prompt"] in [result["text"] for result in results]
    assert harness.received("voice.tts.chunk")
