"""A Redis that version 0.1 has used."""

from __future__ import annotations

import redis

from rider_core.api import JobState
from rider_core.jobs import remove_old_keys, spec_from_data
from rider_core.jobs.store.keys import job_key
from rider_core.testing.jobs.harness import JobHarness, spec


def test_its_counters_are_removed_and_reported_once(connection: redis.Redis) -> None:
    connection.hset("rider:figures:text.generate", "done", 3)
    connection.hset("rider:metrics:text.generate", "done", 5)
    assert "used by Rider-PC 0.1" in remove_old_keys(connection)
    assert remove_old_keys(connection) == ""
    assert connection.keys("rider:*") == [b"rider:metrics:text.generate"]


def test_its_waiting_jobs_are_run(harness: JobHarness, connection: redis.Redis) -> None:
    job_id = harness.backend.submit(spec())
    key = job_key(job_id)
    connection.hset(key, "about", "text.generate|text|normal|0|3|1.0||||")
    connection.hdel(key, "metadata")
    leased = harness.dequeue()
    assert (leased.id, spec_from_data(leased.data).task) == (job_id, "text.generate")
    assert harness.done(leased, "x")
    assert harness.backend.get(job_id).state is JobState.DONE
