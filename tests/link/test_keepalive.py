"""While the PC can serve voice, keepalives stop the robot from taking it back in silence; no person notices them."""

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

#: The simulated robot's timer in seconds; the real one's is 5 s. The keepalive's intervals are shortened alike.
FALLBACK_S = 1.5


@pytest.fixture
def silent(
    valkey: Valkey, connection: redis.Redis, processes: Processes, fast_intervals: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LinkHarness]:
    """A robot in a silent room."""
    monkeypatch.setattr(keepalive, "EVERY_S", keepalive.EVERY_S * FALLBACK_S / 5.0)
    monkeypatch.setattr(keepalive, "AUDIO_LIMIT_S", keepalive.AUDIO_LIMIT_S * FALLBACK_S / 5.0)
    install_test_plugins(processes, valkey)
    with running_link(valkey, connection, processes, voice_fallback_s=FALLBACK_S, voice_keepalive=True) as harness:
        worker = harness.start_worker()
        harness.link.start()
        # The timer has expired by now, which the API does not know: switching both ways makes them agree.
        harness.robot.switch("voice", "local")
        harness.robot.switch("voice", "pc")
        harness.robot.restart_voice()
        wait_until(lambda: harness.received(keepalive.TOPIC), 10, what="a keepalive")
        harness.worker = worker  # type: ignore[attr-defined]
        yield harness


def test_the_pc_keeps_voice_in_silence_without_a_trace(silent: LinkHarness) -> None:
    end = time.monotonic() + 4 * FALLBACK_S

    def has_ended() -> bool:
        assert silent.robot.voice_path == "pc"
        return time.monotonic() > end

    wait_until(has_ended)
    assert {body["text"] for body in silent.received(keepalive.TOPIC)} == {keepalive.INVISIBLE}
    assert {body["reply"] for body in silent.received(keepalive.TOPIC)} == {""}
    assert silent.robot.played == []
    assert not [kind for kind, _ in silent.published if kind in ("robot.transcript", "robot.reply", "robot.speech")]
    assert silent.link.stuck() == ""
    silent.link.stop()
    assert "voice keepalive has ended" in silent.link.stuck(), "no watchdog watches it"


def test_without_a_worker_the_robot_takes_voice_back(silent: LinkHarness) -> None:
    silent.worker.send_signal(signal.SIGKILL)  # type: ignore[attr-defined]
    wait_until(lambda: silent.mode() == "local", 10, what="the failover of voice")
    count = len(silent.received(keepalive.TOPIC))
    wait_until(lambda: silent.robot.voice_path != "pc", 10)
    assert len(silent.received(keepalive.TOPIC)) <= count + 1


def test_without_redis_the_robot_takes_voice_back(silent: LinkHarness) -> None:
    """Also where its API does not answer: its own timer does it."""
    silent.robot.kill_api()
    silent.valkey.kill()
    wait_until(lambda: silent.robot.voice_path != "pc", 10)


def test_no_keepalive_without_a_microphone_stream(silent: LinkHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent.robot._voice, "_send", lambda *_: None)
    stopped = time.monotonic()
    wait_until(lambda: time.monotonic() - silent.link._microphone.last_chunk > keepalive.AUDIO_LIMIT_S)
    count = len(silent.received(keepalive.TOPIC))
    wait_until(lambda: time.monotonic() - stopped > keepalive.AUDIO_LIMIT_S + 4 * keepalive.EVERY_S)
    assert len(silent.received(keepalive.TOPIC)) <= count + 1


def test_no_keepalive_after_a_failover(monkeypatch: pytest.MonkeyPatch) -> None:
    """A robot whose other domains are at the PC goes on streaming its microphone."""
    monkeypatch.setattr(keepalive, "EVERY_S", 0.01)
    failed_over, speaks, sent = [False], [False], []

    services = LinkServices(None, lambda *_, **__: None, lambda *_: iter(()), lambda: None, lambda: {keepalive.TASK: 1})  # type: ignore[arg-type,return-value]
    sender = keepalive.VoiceKeepalive(
        services,
        lambda *message: sent.append(message) or True,
        time.monotonic,
        lambda: time.monotonic() if speaks[0] else 0.0,
        lambda: failed_over[0],
    )
    sender.start()
    wait_until(lambda: len(sent) > 3)
    failed_over[0] = True
    wait_until(lambda: not sender._serves)
    count = len(sent)
    let_pass(0.1, "ten times its interval")
    assert len(sent) == count
    failed_over[0] = False
    wait_until(lambda: len(sent) > count)
    speaks[0] = True
    let_pass(0.05, "five times its interval")
    count = len(sent)
    let_pass(0.1, "ten times its interval, while the robot is sent speech, which does the same")
    assert len(sent) == count
    speaks[0] = False
    wait_until(lambda: len(sent) > count)
    sender.stop()


def test_no_keepalive_without_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keepalive, "EVERY_S", 0.01)
    workers, sent = [1], []

    def capacity() -> dict[str, int]:
        if workers[0] < 0:
            raise BackendUnavailable("Redis cannot be reached")
        return {keepalive.TASK: workers[0]}

    services = LinkServices(None, lambda *_, **__: None, lambda *_: iter(()), lambda: None, capacity)  # type: ignore[arg-type,return-value]
    sender = keepalive.VoiceKeepalive(
        services, lambda *message: sent.append(message) or True, time.monotonic, lambda: 0.0, lambda: False
    )
    sender.start()
    for no_workers in (0, -1):
        workers[0] = 1
        count = len(sent)
        wait_until(lambda count=count: len(sent) > count + 3)  # type: ignore[misc]
        workers[0] = no_workers
        wait_until(lambda: not sender._serves)
        count = len(sent)
        let_pass(0.1, "ten times its interval")
        assert len(sent) == count
    sender.stop()


def test_its_message_has_no_effect_in_the_robots_code() -> None:
    """The module says what the robot's code does with each key."""
    message = keepalive.message()
    assert message["text"].strip() == message["text"] != ""
    assert (message["reply"], message["speak"]) == ("", False)
    assert message["intent"]["kind"] not in ("", "chat", "command")
