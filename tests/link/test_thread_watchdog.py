"""A thread of the link that hangs or has ended is detected, and the process ends for a restart by its supervisor."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import pytest
from failover_harness import new_failover
from link_harness import LinkHarness

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.link import suspend_detector, thread_watchdog
from rider_core.link.thread_watchdog import ThreadWatchdog
from rider_core.link_process import process
from rider_core.link_process.process import AddressMonitor, NotListening
from rider_core.testing.waiting import wait_until


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadWatchdog]:
    """The watchdog of a thread that hangs after its first `feed`, until the test is over."""
    monkeypatch.setattr(thread_watchdog, "STUCK_AFTER_S", 0.1)
    watchdog, over = ThreadWatchdog("domain failover"), threading.Event()

    def feed_and_hang() -> None:
        watchdog.feed()
        over.wait(30)

    thread = threading.Thread(target=feed_and_hang, daemon=True)
    thread.start()
    yield watchdog
    over.set()
    thread.join()


def test_a_thread_that_hangs(hung: ThreadWatchdog) -> None:
    wait_until(lambda: hung.problem() == "domain failover has hung for 0 s")


def test_a_thread_that_feeds_its_watchdog() -> None:
    watchdog = ThreadWatchdog("domain failover")
    assert watchdog.problem() == "", "it has not started"
    watchdog.feed()
    assert watchdog.problem() == ""


def test_a_thread_that_ended() -> None:
    watchdog = ThreadWatchdog("vision pipeline")
    thread = threading.Thread(target=watchdog.feed)
    thread.start()
    thread.join()
    assert watchdog.problem() == "vision pipeline has ended"


def test_a_thread_that_waits_for_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """It feeds its watchdog while the queue is empty, and None ends it."""
    monkeypatch.setattr(thread_watchdog, "STUCK_AFTER_S", 0.3)
    monkeypatch.setattr(thread_watchdog, "FEED_EVERY_S", 0.05)
    watchdog, waiting = ThreadWatchdog("ASR pipeline"), queue.SimpleQueue[int | None]()
    worked: list[int] = []
    thread = threading.Thread(target=lambda: worked.extend(watchdog.items(waiting)))
    thread.start()
    began = time.monotonic()
    wait_until(lambda: watchdog.problem() or time.monotonic() - began > 0.6)
    assert watchdog.problem() == ""
    for item in (1, 2, None):
        waiting.put(item)
    thread.join(5)
    assert (worked, watchdog.problem()) == ([1, 2], "ASR pipeline has ended")


@pytest.mark.slow
def test_each_thread_of_the_link_is_watched(harness: LinkHarness) -> None:
    harness.link.start()
    wait_until(lambda: harness.link.describe()["state"] == "up", what="the bus")
    assert harness.link.stuck() == ""
    harness.link.stop()
    vision, voice = ("vision pipeline", "vision monitor"), ("ASR pipeline", "TTS pipeline", "conversation", "executor")
    parts = "the robot's bus", "domain failover", *vision, *voice
    assert harness.link.stuck() == "; ".join(f"{part} has ended" for part in parts)


def test_the_links_process_ends_for_its_supervisor(hung: ThreadWatchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = []

    class Link:
        def stuck(self) -> str:
            problems.append(hung.problem())
            assert len(problems) < 4, "the process did not end"
            return problems[-1]

    class Ended(Exception):
        pass

    def end(status: int) -> None:
        assert status == process.STUCK_STATUS
        raise Ended

    monkeypatch.setattr(process.os, "_exit", end)
    address_monitor = AddressMonitor(Settings(), "127.0.0.1")
    with pytest.raises(Ended):
        process._wait(Link(), threading.Event(), address_monitor)  # type: ignore[arg-type]


def test_after_a_suspend_no_thread_counts_as_hung(hung: ThreadWatchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads were suspended, and the one that checks the watchdogs may be the first that runs again."""
    real_s, asleep_s = suspend_detector.now_s, 0.0
    monkeypatch.setattr(suspend_detector, "now_s", lambda: real_s() + asleep_s)
    stop, waits = threading.Event(), 0

    class SuspendedStop:
        def wait(self, _: float) -> bool:
            nonlocal asleep_s, waits
            asleep_s += 60.0 if waits == 0 else 0.0
            waits += 1
            return waits > 3 or stop.wait(0.01)

    class Link:
        def stuck(self) -> str:
            pytest.fail("suspended threads counted as hung")

    process._wait(Link(), SuspendedStop(), AddressMonitor(Settings(), "127.0.0.1"))  # type: ignore[arg-type]
    assert waits == 4


def test_a_lost_address_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ADDRESS_EVERY_S", 0.01)
    stop, begun = threading.Event(), 0

    def run_once(*_: object) -> None:
        nonlocal begun
        begun += 1
        if begun in (2, 3):
            raise NotListening("the robot cannot be reached: there is no network")
        if begun == 4:
            stop.set()

    monkeypatch.setattr(process, "_stop_signal", lambda: stop)
    monkeypatch.setattr(process, "_run_at_one_address", run_once)
    process.run_link(Settings())
    assert begun == 4


def test_without_an_address_at_the_start_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_once(*_: object) -> None:
        raise NotListening("the robot cannot be reached: there is no network")

    monkeypatch.setattr(process, "_stop_signal", threading.Event)
    monkeypatch.setattr(process, "_run_at_one_address", run_once)
    with pytest.raises(NotListening):
        process.run_link(Settings())


def test_a_new_address_of_the_pc_is_detected_and_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a change of the network. Without a network the old address is kept."""
    monkeypatch.setattr(process, "ADDRESS_EVERY_S", 0.01)
    addresses: list[str | None] = [None, "127.0.0.1", None, "127.0.0.1", "127.0.0.2"]

    def own_address(_: Settings) -> str:
        address = addresses.pop(0)
        if address is None:
            raise ConfigError("there is no route")
        return address

    monkeypatch.setattr(process, "own_address", own_address)
    served: list[str] = []
    stop = threading.Event()

    class Link:
        def stuck(self) -> str:
            return ""

    def run_once(settings: Settings, _: threading.Event) -> None:
        address_monitor = AddressMonitor(settings, "127.0.0.1")
        address_monitor.start()
        process._wait(Link(), stop, address_monitor)  # type: ignore[arg-type]
        served.append(address_monitor.new_address)
        stop.set()

    monkeypatch.setattr(process, "_stop_signal", lambda: stop)
    monkeypatch.setattr(process, "_run_at_one_address", run_once)
    process.run_link(Settings())
    assert served == ["127.0.0.2"]
    assert addresses == []


def test_a_stop_without_failover_switches_nothing() -> None:
    class Robot:
        def switch(self, *_: object) -> None:
            pytest.fail("a domain was switched")

    domains, failover = new_failover(Robot(), dict)
    domains.receive_state({"domain": "voice", "mode": "pc"})
    failover._thread.start()
    failover.stop(fail_over=False)
