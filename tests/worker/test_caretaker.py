"""The thread that looks after a worker's claims, on a real Valkey."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import redis

from rider_core.api import JobSpec
from rider_core.jobs.ledger import ClaimDesk
from rider_core.jobs.rq_backend import RQBackend
from rider_core.testing.waiting import wait_until
from rider_core.worker.caretaker import Caretaker


@pytest.fixture
def backend(connection: redis.Redis) -> RQBackend:
    return RQBackend(connection)


@pytest.fixture
def desk(backend: RQBackend) -> Iterator[ClaimDesk]:
    desk = backend.desk("w1", ["text"])
    yield desk
    desk.close()


def test_a_cancellation_is_heard_that_comes_before_its_first_round_is_over(backend: RQBackend, desk: ClaimDesk) -> None:
    """The worker has a job before the caretaker, who starts with it, has come so far as to listen."""
    round_may_end = threading.Event()
    caretaker = Caretaker(desk, lambda: round_may_end.wait(10) and None, lambda: None, timeout_s=60)
    caretaker.start()
    job_id = backend.submit(JobSpec(task="text.generate", payload={"prompt": "long"}))
    (held,) = caretaker.hold(desk.take())
    assert backend.cancel(job_id)
    round_may_end.set()
    # The next heartbeat, which would find it out, comes 5 s later.
    wait_until(lambda: held.unwanted, 2)
    caretaker.stop()
