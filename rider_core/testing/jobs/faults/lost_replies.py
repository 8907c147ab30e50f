"""The answer to a submission is lost: the caller may submit again, and there is one job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import redis

from rider_core.api.jobs import JobState
from rider_core.errors import BackendUnavailable
from rider_core.jobs import RedisJobBackend
from rider_core.runtime.redis_connection import connect
from rider_core.testing.jobs.faults.harness import FaultHarness
from rider_core.testing.jobs.faults.kill_points import FAST_TIMINGS
from rider_core.testing.jobs.faults.proxy import AnswerSwallower
from rider_core.testing.valkey import Valkey


class LostReplyFaults:
    """Submissions go through a proxy, workers do not."""

    @pytest.fixture
    def swallower(self, valkey: Valkey) -> Iterator[AnswerSwallower]:
        swallower = AnswerSwallower(str(valkey.socket), question=b"FCALL")
        yield swallower
        swallower.close()

    @pytest.mark.parametrize("answers", [1, 2])
    def test_answers_of_redis_are_lost(
        self,
        harness: FaultHarness,
        swallower: AnswerSwallower,
        backend_on: Callable[[redis.Redis], RedisJobBackend],
        answers: int,
    ) -> None:
        """After one lost answer the connection pool retries. After two the caller gets an error, and submits again."""
        direct, harness.backend = harness.backend, backend_on(connect(f"redis://127.0.0.1:{swallower.port}"))
        harness.submit("before")  # so that everything is connected, and the library is loaded
        job = harness.spec("once")
        swallower.swallow(answers)
        with suppress(BackendUnavailable) if answers == 1 else pytest.raises(BackendUnavailable):
            harness.submit_spec(job)
        assert harness.submit_spec(job) == job.id
        assert swallower.swallowed == answers
        harness.backend = direct
        # Sooner than a broker's ticket that was never published would be found missing.
        harness.start()
        harness.wait_for(lambda: harness.connection.exists("rq:workers") == 1, "the worker")
        assert direct.wait(job.id, FAST_TIMINGS.unpublished_s / 2).state is JobState.DONE
        harness.journal.accepted = list(dict.fromkeys(harness.journal.accepted))
        assert sum(task.accepted for task in direct.figures()) == 2
        records = harness.all_done()
        assert [record.attempts for record in records.values()] == [1, 1]
        assert harness.journal.starts(job.id) == 1
