"""The executor runs calls one after another on its thread, with a limit on those that wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rider_core.link import serial_executor
from rider_core.link.serial_executor import SerialExecutor
from rider_core.testing.waiting import wait_until


@pytest.fixture
def executor() -> Iterator[SerialExecutor]:
    executor = SerialExecutor()
    executor.start()
    yield executor
    executor.stop()


def test_what_waits_is_bounded(executor: SerialExecutor) -> None:
    over, done = threading.Event(), []
    assert executor.run(lambda: over.wait(30))  # type: ignore[arg-type,return-value]
    wait_until(lambda: executor._waiting.empty())
    taken = sum(executor.run(lambda: done.append(1)) for _ in range(3 * serial_executor.MAX_WAITING))
    assert taken == serial_executor.MAX_WAITING
    over.set()
    wait_until(lambda: len(done) == taken)


def test_a_call_that_raises_ends_nothing(executor: SerialExecutor) -> None:
    done = threading.Event()
    executor.run(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    executor.run(done.set)
    assert done.wait(5)
