"""A robot and a link with a worker whose detector is `detector_plugin`, and the obstacle reports that the robot got."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from link_harness import FILES, LinkHarness, install_test_plugins, metric, running_link

from rider_core.api.messages import encode_base64
from rider_core.runtime.redis_connection import connect
from rider_core.simulator.pictures import encode_grey_blocks
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

OBSTACLE, OFFSET = "vision.obstacle.enhanced", "vision.tracking.offset"
#: Detections: a person too near for the feet to be in the picture, and a person far away.
PERSON = ("Person", 0.8, (200.0, 20.0, 440.0, 480.0))
FAR_PERSON = ("Person", 0.7, (500.0, 200.0, 540.0, 330.0))


@pytest.fixture(scope="package")
def shared_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Valkey, redis.Redis, Processes]]:
    """A server and a worker for all tests that do not break them: a worker takes seconds to start."""
    valkey = Valkey(tmp_path_factory.mktemp("v"))
    connection = connect(valkey.url)
    processes = Processes(tmp_path_factory.mktemp("p"))
    install_test_plugins(processes, valkey)
    processes.fork_worker("vision")
    yield valkey, connection, processes
    processes.end_all()
    connection.close()
    valkey.stop()


@pytest.fixture
def shared(shared_worker: tuple[Valkey, redis.Redis, Processes], fast_intervals: None) -> Iterator[LinkHarness]:
    """A robot and a link, with the shared worker."""
    valkey, connection, processes = shared_worker
    with running_link(valkey, connection, processes) as harness:
        wait_until(lambda: harness.backend.capacity()["vision.detect"])
        yield harness
    for name in FILES:
        (processes.folder / name.lower()).unlink(missing_ok=True)


def start_vision(harness: LinkHarness) -> LinkHarness:
    """Switch vision to the PC, start the link, and wait for the first obstacle report."""
    harness.robot.switch("vision", "pc")
    harness.link.start()
    wait_until(lambda: harness.received(OBSTACLE), what="an obstacle report")
    return harness


def last_report(harness: LinkHarness) -> dict[str, Any]:
    """The last obstacle report that the robot received; waits for the first one."""
    wait_until(lambda: harness.received(OBSTACLE), what="an obstacle report")
    return harness.received(OBSTACLE)[-1]


def is_vision_lost(harness: LinkHarness) -> bool:
    reports = harness.received(OBSTACLE)
    return bool(reports) and reports[-1]["present"] and "blind" in reports[-1]["meta"]


def frame_count(outcome: str) -> float:
    return metric("rider_frames_total", outcome=outcome)


def frames_late() -> float:
    """Frames whose result left, or that were given up, after more than a second."""
    all_frames = metric("rider_frame_age_seconds_count")
    return all_frames - metric("rider_frame_age_seconds_bucket", le="1.0")


def picture(number: int) -> bytes:
    """A JPEG with a different picture for each number."""
    dice = random.Random(number)
    return encode_grey_blocks([[dice.randint(0, 255) for _ in range(8)] for _ in range(6)])


def send_frame(harness: LinkHarness, ts: float, jpeg: bytes) -> None:
    body = {"ts": ts, "frame_jpeg": encode_base64(jpeg), "size": {"w": 640, "h": 480}}
    harness.robot.send("vision.frame.offload", body)
