"""A thread of the link that hangs or ends is found, and the process ends for its supervisor."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rider_core.cli import link_process
from rider_core.link import pulse
from rider_core.link.pulse import Pulse
from rider_core.testing.waiting import wait_until


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulse]:
    """Of a thread that hangs after its first beat, until the test is over."""
    monkeypatch.setattr(pulse, "STUCK_AFTER_S", 0.1)
    beating, over = Pulse("custody"), threading.Event()

    def live() -> None:
        beating.beat()
        over.wait(30)

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    yield beating
    over.set()
    thread.join()


def test_one_that_hangs(hung: Pulse) -> None:
    wait_until(lambda: hung.problem() == "custody has hung for 0 s")


def test_one_that_beats_has_no_problem() -> None:
    beating = Pulse("custody")
    assert beating.problem() == "", "it has not begun"
    beating.beat()
    assert beating.problem() == ""


def test_one_that_ended() -> None:
    beating = Pulse("seeing")
    thread = threading.Thread(target=beating.beat)
    thread.start()
    thread.join()
    assert beating.problem() == "seeing has ended"


def test_the_links_process_ends_for_its_supervisor(hung: Pulse, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Link:
        def stuck(self) -> str:
            asked.append(hung.problem())
            assert len(asked) < 4, "it was left so"
            return asked[-1]

    class Ended(Exception):
        pass

    def end(status: int) -> None:
        assert status == link_process.STUCK_STATUS
        raise Ended

    monkeypatch.setattr(link_process.os, "_exit", end)
    monkeypatch.setattr(link_process.signal, "signal", lambda *_: None)
    with pytest.raises(Ended):
        link_process._wait_for_stop(Link())  # type: ignore[arg-type]
