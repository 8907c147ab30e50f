"""The robot's voice stays with us through silence, for as long as we could serve it, and nobody sees or hears why."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
import redis
from link_harness import LinkHarness, install_test_plugins, running_link

from rider_core.errors import BackendUnavailable
from rider_core.link import keepalive
from rider_core.link.services import LinkServices
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass, wait_until

pytestmark = pytest.mark.slow

#: The robot's is 5 s; what keeps it comes as much sooner.
PATIENCE_S = 1.5


@pytest.fixture
def silent(
    valkey: Valkey, connection: redis.Redis, processes: Processes, fast_intervals: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LinkHarness]:
    """A robot that hears nobody and has the real one's timer, only shorter."""
    monkeypatch.setattr(keepalive, "EVERY_S", keepalive.EVERY_S * PATIENCE_S / 5.0)
    monkeypatch.setattr(keepalive, "AUDIO_LIMIT_S", keepalive.AUDIO_LIMIT_S * PATIENCE_S / 5.0)
    install_test_plugins(processes, valkey)
    with running_link(valkey, connection, processes, voice_fallback_s=PATIENCE_S, voice_keepalive=True) as harness:
        worker = harness.start_worker()
        harness.link.start()
        # Its timer has run out meanwhile, and its API does not know that: both directions, so that both do.
        harness.robot.switch("voice", "local")
        harness.robot.switch("voice", "pc")
        harness.robot.restart_voice()
        wait_until(lambda: harness.received(keepalive.TOPIC), 10, what="something that keeps voice")
        harness.worker = worker  # type: ignore[attr-defined]
        yield harness


def test_voice_stays_through_silence_and_nobody_notices(silent: LinkHarness) -> None:
    end = time.monotonic() + 4 * PATIENCE_S

    def over() -> bool:
        assert silent.robot.voice_path == "pc"
        return time.monotonic() > end

    wait_until(over)
    assert {body["text"] for body in silent.received(keepalive.TOPIC)} == {keepalive.INVISIBLE}
    assert {body["reply"] for body in silent.received(keepalive.TOPIC)} == {""}
    assert silent.robot.played == []
    assert not [kind for kind, _ in silent.published if kind in ("robot.transcript", "robot.reply", "robot.speech")]
    assert silent.link.stuck() == ""
    silent.link.stop()
    assert "voice keepalive has ended" in silent.link.stuck(), "it is watched"


def test_it_goes_when_nobody_can_serve_it(silent: LinkHarness) -> None:
    silent.worker.send_signal(signal.SIGKILL)  # type: ignore[attr-defined]
    wait_until(lambda: silent.mode() == "local", 10, what="voice handed back")
    count = len(silent.received(keepalive.TOPIC))
    wait_until(lambda: silent.robot.voice_path != "pc", 10)
    assert len(silent.received(keepalive.TOPIC)) <= count + 1


def test_it_goes_when_redis_is_gone(silent: LinkHarness) -> None:
    """Also where the robot cannot be told: its own timer does it."""
    silent.robot.kill_api()
    silent.valkey.kill()
    wait_until(lambda: silent.robot.voice_path != "pc", 10)


def test_a_robot_that_streams_nothing_is_told_nothing(silent: LinkHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent.robot._voice, "_send", lambda *_: None)
    stopped = time.monotonic()
    wait_until(lambda: time.monotonic() - silent.link._microphone.last_chunk > keepalive.AUDIO_LIMIT_S)
    count = len(silent.received(keepalive.TOPIC))
    wait_until(lambda: time.monotonic() - stopped > keepalive.AUDIO_LIMIT_S + 4 * keepalive.EVERY_S)
    assert len(silent.received(keepalive.TOPIC)) <= count + 1


def test_a_voice_that_was_handed_back_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A robot whose other domains are ours goes on streaming its microphone."""
    monkeypatch.setattr(keepalive, "EVERY_S", 0.01)
    handed_back, speaks, sent = [False], [False], []

    services = LinkServices(None, lambda *_, **__: None, lambda *_: iter(()), lambda: None, lambda: {keepalive.TASK: 1})  # type: ignore[arg-type,return-value]
    kept = keepalive.VoiceKeepalive(
        services,
        lambda *message: sent.append(message) or True,
        time.monotonic,
        lambda: time.monotonic() if speaks[0] else 0.0,
        lambda: handed_back[0],
    )
    kept.start()
    wait_until(lambda: len(sent) > 3)
    handed_back[0] = True
    wait_until(lambda: not kept._serves)
    count = len(sent)
    let_pass(0.1, "ten times its interval")
    assert len(sent) == count
    handed_back[0] = False
    wait_until(lambda: len(sent) > count)
    speaks[0] = True
    let_pass(0.05, "five times its interval")
    count = len(sent)
    let_pass(0.1, "ten times its interval, while the robot is sent speech, which does the same")
    assert len(sent) == count
    speaks[0] = False
    wait_until(lambda: len(sent) > count)
    kept.stop()


def test_a_voice_that_nobody_can_serve_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keepalive, "EVERY_S", 0.01)
    workers, sent = [1], []

    def capacity() -> dict[str, int]:
        if workers[0] < 0:
            raise BackendUnavailable("Redis cannot be reached")
        return {keepalive.TASK: workers[0]}

    services = LinkServices(None, lambda *_, **__: None, lambda *_: iter(()), lambda: None, capacity)  # type: ignore[arg-type,return-value]
    kept = keepalive.VoiceKeepalive(
        services, lambda *message: sent.append(message) or True, time.monotonic, lambda: 0.0, lambda: False
    )
    kept.start()
    for nobody in (0, -1):
        workers[0] = 1
        count = len(sent)
        wait_until(lambda count=count: len(sent) > count + 3)  # type: ignore[misc]
        workers[0] = nobody
        wait_until(lambda: not kept._serves)
        count = len(sent)
        let_pass(0.1, "ten times its interval")
        assert len(sent) == count
    kept.stop()


def test_its_message_is_what_the_robots_code_lets_pass() -> None:
    """What the code was seen to do with each key stands in the module."""
    said = keepalive.message()
    assert said["text"].strip() == said["text"] != ""
    assert (said["reply"], said["speak"]) == ("", False)
    assert said["intent"]["kind"] not in ("", "chat", "command")
