"""The voice process at the robot's settings: its path, its timer, its end, and what the others know of it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from simulator_helpers import effect, sound

from rider_core.simulator.voice_bridge import CHUNK, POLL_S, RESULT, VoiceBridge
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow

#: An invisible text, which resets the timer.
KEEPALIVE = {"text": "\u200b", "reply": "", "speak": False, "intent": {"kind": "none"}}


def on_pc(robot) -> None:
    wait_until(lambda: robot.voice_path == "pc", what="voice on the PC's path")


def sends(bus, topic: str, seconds: float = 1.0) -> int:
    """How many messages the robot sends on `topic` in that time."""
    return sum(message[1] == topic for message in bus.record(seconds))


class TestPath:
    @pytest.mark.parametrize(
        ("pc_domains", "path"), [((), "local"), (("voice",), "pc"), (("vision",), "pc"), (("text",), "pc")]
    )
    def test_any_domain_at_the_pc_makes_it_offload(self, make_robot, pc_domains, path):
        robot = make_robot(pc_domains=pc_domains)
        wait_until(lambda: robot.voice_path)
        assert robot.voice_path == path

    def test_a_request_overrides_the_ai_mode_until_the_next_change(self, make_robot, api):
        robot = make_robot(pc_domains=("voice",))
        http = api(robot)
        on_pc(robot)
        http.put("/api/system/ai-mode", json={"mode": "local"})
        wait_until(lambda: robot.voice_exit == 0)
        assert robot.domains["voice"]["mode"] == "pc"
        robot.restart_voice()
        wait_until(lambda: robot.voice_path == "local")
        robot.switch("text", "pc")
        robot.restart_voice()
        on_pc(robot)

    def test_a_local_process_stays_local(self, make_robot, join):
        robot = make_robot(pc_domains=())
        bus = join(robot)
        wait_until(lambda: robot.voice_path == "local")
        robot.switch("voice", "pc")
        assert sends(bus, "voice.asr.request") == 0
        assert (robot.voice_path, robot.voice_exit) == ("local", None)
        robot.restart_voice()
        bus.receive("voice.asr.request")


class TestEnd:
    def test_it_is_dead_after_voice_was_switched_to_local(self, make_robot, api, caplog):
        robot = make_robot(pc_domains=("voice",), voice_restart_s=0.05)
        on_pc(robot)
        robot.switch("voice", "local")
        wait_until(lambda: robot.voice_exit == 0)
        let_pass(0.8, "a restart would take less")
        assert robot.voice_path is None
        assert f"curl -X POST {robot.api_url}/api/simulator/restart-voice" in caplog.text
        answer = api(robot).post("/api/simulator/restart-voice").json()
        assert answer == {"ok": True, "voice_exit": 0, "simulated": True}
        wait_until(lambda: robot.voice_path == "local")

    def test_it_streams_on_while_another_domain_is_at_the_pc(self, make_robot, join):
        robot = make_robot(pc_domains=("voice", "vision"))
        bus = join(robot)
        on_pc(robot)
        robot.switch("voice", "local")
        assert sends(bus, "voice.asr.request") > 30
        robot.switch("vision", "local")
        wait_until(lambda: robot.voice_exit == 0)

    @pytest.mark.slow
    def test_silence_ends_it_after_5_s_and_it_flaps(self, make_robot):
        """With text alone at the PC, its own copy of the registry keeps the AI mode at `pc_offload`."""
        robot = make_robot(pc_domains=("text",))
        on_pc(robot)
        began = time.monotonic()
        wait_until(lambda: robot.voice_exit == 1)
        assert 4.3 < time.monotonic() - began < 6.5
        ended = time.monotonic()
        on_pc(robot)
        assert 3.3 < time.monotonic() - ended < 6

    def test_after_a_timeout_it_comes_up_local(self, make_robot, join):
        robot = make_robot(pc_domains=("voice",), voice_fallback_s=1.0, voice_restart_s=0.2)
        bus = join(robot)
        wait_until(lambda: robot.voice_path == "local")
        assert robot.voice_exit == 1
        state = bus.receive("provider.voice.state", lambda body: body["status"] == "fallback")
        assert (state["mode"], state["reason"]) == ("pc", "pc_timeout")
        assert bus.receive("provider.voice.state")["mode"] == "local"

    @pytest.mark.parametrize("body", [{"text": 5}, {"text": ["hello"]}, [1], "hello", 7])
    def test_a_result_that_its_code_cannot_read(self, make_robot, join, body):
        robot = make_robot(voice_restart_s=None)
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, body)
        assert "ended" in effect(robot, RESULT)
        wait_until(lambda: robot.voice_exit == 2)
        assert bus.receive("provider.voice.state")["reason"] == "pc_error"

    @pytest.mark.parametrize("body", [{"text": 0}, {}, [], None])
    def test_a_result_that_is_nothing_does_no_harm(self, make_robot, join, body):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, body)
        assert effect(robot, RESULT).startswith("ignored")
        assert robot.voice_path == "pc"

    @pytest.mark.parametrize(("race", "exit_code"), [(1.0, 0), (0.0, None)])
    def test_the_race_at_the_ai_modes_file(self, make_robot, join, race, exit_code):
        robot = make_robot(ai_mode_race=race)
        bus = join(robot)
        on_pc(robot)
        robot.switch("text", "pc")
        sends(bus, "voice.asr.request", 0.3)
        assert robot.voice_exit == exit_code


class TestTimer:
    def test_empty_texts_do_not_set_it_back(self, make_robot, join):
        robot = make_robot(voice_fallback_s=1.5, voice_restart_s=None)
        bus = join(robot)

        def ended() -> bool:
            bus.send(RESULT, {"text": "  "})
            return robot.voice_exit == 1

        wait_until(ended, 4)

    def test_an_invisible_text_does(self, make_robot, join):
        robot = make_robot(voice_fallback_s=1.0)
        bus = join(robot)
        on_pc(robot)
        end, sent_at = time.monotonic() + 2.5, 0.0

        def over() -> bool:
            nonlocal sent_at
            if time.monotonic() - sent_at > 0.3:
                sent_at = time.monotonic()
                bus.send(RESULT, KEEPALIVE)
            return time.monotonic() > end

        wait_until(over)
        assert (robot.voice_path, robot.voice_exit, robot.played) == ("pc", None, [])

    @pytest.mark.slow
    def test_contiguous_chunks_of_more_than_5_s_end_it_in_spite_of_keepalives(self, make_robot, join):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, KEEPALIVE)
        for _ in range(3):
            bus.send(CHUNK, sound(2.2))
        effect(robot, CHUNK)
        sent_at = 0.0

        def ended() -> bool:
            nonlocal sent_at
            if time.monotonic() - sent_at > 1:
                sent_at = time.monotonic()
                bus.send(RESULT, KEEPALIVE)
            return robot.voice_exit == 1

        wait_until(ended)
        assert time.monotonic() >= robot.played[2].ended_at, "the timer is looked at after the last chunk"

    @pytest.mark.slow
    def test_the_same_sound_with_results_does_not(self, make_robot, join):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        for _ in range(3):
            bus.send(RESULT, {**KEEPALIVE, "speak": True, "tts": sound(2.2)})
        assert effect(robot, RESULT, 3) == "text, sound played"
        wait_until(lambda: time.monotonic() > robot.played[2].ended_at + 0.3)
        assert (robot.voice_path, robot.voice_exit) == ("pc", None)
        gaps = [after.at - before.ended_at for before, after in pairwise(robot.played)]
        assert all(0 <= gap < 0.5 for gap in gaps)


class TestWhilePlaying:
    def test_the_microphone_waits_and_comes_in_a_burst_and_nothing_else_does(self, make_robot, join):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, {**KEEPALIVE, "speak": True, "tts": sound(4.0)})
        received = bus.record(5.5)
        chunks = [at for at, topic, *_ in received if topic == "voice.asr.request"]
        after = next(late for early, late in pairwise(chunks) if late - early > 3.9)
        # 200 chunks were recorded meanwhile; 2.55 s of them are kept. The last second brings 50 more.
        burst = sum(after <= at < after + 1.0 for at in chunks)
        assert 127 <= burst < 127 + 60
        meanwhile = [topic for at, topic, *_ in received if after - 3.5 < at < after - 0.5]
        assert meanwhile.count("vision.frame.offload") >= 10
        assert meanwhile.count("imu.data") >= 20

    def test_what_comes_meanwhile_waits(self, make_robot, join):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(CHUNK, sound(1.0))
        effect(robot, CHUNK)
        bus.send(RESULT, {"text": "hello", "reply": ""})
        bus.receive("audio.transcript")
        assert time.monotonic() >= robot.played[0].ended_at

    @pytest.mark.parametrize("topic", [RESULT, CHUNK])
    def test_one_topic_is_read_ten_times_a_second(self, topic):
        bridge, other = VoiceBridge(), CHUNK if topic == RESULT else RESULT
        for number in range(30):
            assert bridge.arrive(type("Message", (), {"topic": topic})(), number)
        for step in range(100):
            bridge.poll(step / 100)
        assert len(bridge.queues[topic]) == pytest.approx(1 / POLL_S, abs=1)
        bridge.arrive(type("Message", (), {"topic": other})(), None)
        bridge.poll(1.0)
        bridge.poll(1.01)
        assert len(bridge.queues[other]) == 1


class TestResult:
    def test_it_is_shown_and_spoken(self, make_robot, join):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, {"text": " hello ", "language": "en", "reply": "hi"})
        assert bus.receive("ui.state")["state"] == "thinking"
        received = bus.receive("audio.transcript")
        assert (set(received), received["text"], received["lang"]) == ({"text", "lang", "ts"}, "hello", "en")
        assert bus.receive("assistant.speech")["text"] == "hi"
        assert bus.receive("ui.state", lambda body: body["state"] != "speaking")["state"] == "idle"

    def test_after_a_sound_with_it_the_face_goes_on_thinking(self, make_robot, join):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, {"text": "hello", "reply": "hi", "tts": sound(0.1)})
        assert effect(robot, RESULT) == "text, sound played"
        received = [(topic, body) for _, topic, body, _ in bus.record(0.5)]
        assert not [topic for topic, _ in received if topic == "assistant.speech"]
        assert "idle" not in {body["state"] for topic, body in received if topic == "ui.state"}

    @pytest.mark.parametrize(
        ("changes", "played"), [({"speak": False}, 0), ({"speak": "false"}, 1), ({"tts": "AAAA"}, 0)]
    )
    def test_a_sound_is_played_where_it_is_to_speak(self, make_robot, join, changes, played):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, {"text": "hello", "reply": "", "tts": sound(0.1), **changes})
        effect(robot, RESULT)
        assert len(robot.played) == played

    @pytest.mark.parametrize("changes", [{"reply": 5}, {"intent": {"kind": "x", "payload": "abc"}}])
    def test_an_error_after_the_text_ends_nothing(self, make_robot, join, changes):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, {"text": "hello", **changes})
        assert "error" in effect(robot, RESULT)
        assert robot.voice_path == "pc"

    def test_it_is_read_as_multipart_only(self, make_robot, join):
        robot = make_robot()
        join(robot).send(RESULT, {"text": "hello"}, single=True)
        assert "multipart" in effect(robot, RESULT)

    def test_a_text_with_half_a_surrogate_does_not_end_the_robot(self, make_robot, join):
        robot = make_robot()
        bus = join(robot)
        on_pc(robot)
        bus.send(RESULT, {"text": "a\ud800"})
        assert bus.receive("audio.transcript")["text"] == "a?"


def test_a_timeout_takes_vision_along_and_the_api_does_not_know(make_robot, join, api):
    """Each process writes the whole map of its own copy to the file that they share."""
    robot = make_robot(pc_domains=("voice",), voice_fallback_s=3.0, voice_restart_s=None)
    bus, http = join(robot), api(robot)
    on_pc(robot)
    robot.switch("vision", "pc")
    bus.receive("vision.frame.offload")
    wait_until(lambda: robot.voice_exit == 1)
    assert {name: state["mode"] for name, state in robot.stored_domains.items()} == dict.fromkeys(
        ("vision", "voice", "text"), "local"
    )
    assert http.get("/api/system/ai-mode").json()["mode"] == "local"
    domains = http.get("/api/providers/state").json()["domains"]
    assert (domains["vision"]["mode"], domains["voice"]["mode"]) == ("pc", "pc")
    for domain in ("vision", "voice"):
        assert http.patch(f"/api/providers/{domain}", json={"target": "pc"}).json()["changed"] is False
    assert sends(bus, "vision.frame.offload", 1.5) == 0
    for target in ("local", "pc"):
        http.patch("/api/providers/vision", json={"target": target})
    bus.receive("vision.frame.offload")
