"""The functions that the job store loads into Redis, and the connections on which they are called."""

from __future__ import annotations

import gc
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from rider_core.api import JobState
from rider_core.errors import BackendUnavailable
from rider_core.jobs import AttemptResult, Outcome, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.store import keys
from rider_core.jobs.store.keys import MAX_NOTIFIED_BYTES
from rider_core.jobs.store.records import record_from_message
from rider_core.redis_functions.library import OLD_LIBRARIES_KEPT
from rider_core.runtime.redis_connection import connect
from rider_core.testing.jobs.harness import spec
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until


def test_a_few_other_versions_may_be_at_work_and_many_are_removed(
    backend: RedisJobBackend, connection: redis.Redis
) -> None:
    def libraries() -> set[bytes]:
        listed = connection.execute_command("FUNCTION LIST")
        return {entry[b"library_name"] if isinstance(entry, dict) else entry[1] for entry in listed}

    ours, others = RQLists().library.name.encode(), set()
    for number in range(OLD_LIBRARIES_KEPT + 1):
        name = f"rider_rq_0000000{number}"
        source = f"#!lua name={name}\nredis.register_function('{name}_f', function() return 1 end)"
        connection.execute_command("FUNCTION LOAD", source)
        connection.execute_command("FUNCTION LOAD", "REPLACE", source.replace(name, "mine"))
        others.add(name.encode())
        connection.execute_command("FUNCTION DELETE", ours) if ours in libraries() else None
        backend.submit(spec())
        assert libraries() == {b"mine", ours} | (others if number < OLD_LIBRARIES_KEPT else set())


def test_functions_that_redis_lost_are_loaded_again(backend: RedisJobBackend, connection: redis.Redis) -> None:
    backend.submit(spec())
    connection.execute_command("FUNCTION FLUSH")
    assert backend.get(backend.submit(spec())).attempts == 0


def test_a_redis_without_functions_is_refused(tmp_path: Path) -> None:
    server = Valkey(tmp_path, arguments=["--rename-command", "FCALL", ""])
    try:
        backend = RedisJobBackend(connect(server.url), RQLists())
        with pytest.raises(BackendUnavailable, match=r"too old.*Redis 7\.0 or newer, or Valkey"):
            backend.submit(spec())
        backend.close()
    finally:
        server.stop()


@pytest.mark.parametrize(("length", "has_record"), [(10, True), (2 * MAX_NOTIFIED_BYTES, False)])
def test_the_message_of_an_end_has_the_record_unless_it_is_long(
    backend: RedisJobBackend, connection: redis.Redis, length: int, has_record: bool
) -> None:
    job_id = backend.submit(spec())
    consumer = backend.consumer("w1", ["text"])
    (leased,) = consumer.dequeue()
    pubsub = connection.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(keys.ended_channel(job_id))
    pubsub.get_message(timeout=1)  # the confirmation
    consumer.commit([AttemptResult(leased, Outcome.DONE, json.dumps({"text": "x" * length}), "probe", False)])
    message = pubsub.get_message(timeout=5)
    assert message is not None
    assert (record_from_message(job_id, message["data"]) == backend.get(job_id)) is has_record
    pubsub.close()
    consumer.close()


def test_a_backend_that_nobody_closes_leaves_no_connections(connection: redis.Redis) -> None:
    def clients() -> int:
        return len(connection.client_list())

    before = clients()
    backend = RedisJobBackend(connection, RQLists())
    backend.submit(spec())
    assert clients() == before + 1
    del backend
    gc.collect()
    wait_until(lambda: clients() == before)


def test_all_idle_connections_are_given_up_when_one_broke(backend: RedisJobBackend, valkey: Valkey) -> None:
    job_id = backend.submit(spec())
    with backend._pool.subscribed("rider:any"):
        backend.get(job_id)  # on a second connection
    valkey.kill()
    valkey.start()
    assert backend.get(job_id).id == job_id


def test_a_restart_before_does_not_trouble_whoever_submits_and_waits(backend: RedisJobBackend, valkey: Valkey) -> None:
    backend.submit(spec(due_ts=time.time() + 60))  # so that a connection is there, which breaks
    valkey.kill()
    valkey.start()
    job = spec()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(backend.run, job, 20)
        wait_until(lambda: running.done() or backend.stats()[2].waiting == 1)
        consumer = backend.consumer("w1", ["text"])
        consumer.commit([AttemptResult(leased, Outcome.DONE, '{"text":"hi"}') for leased in consumer.dequeue()])
        assert running.result(20).value() == {"text": "hi"}
    consumer.close()


def test_of_results_that_are_committed_together_those_without_a_lease_are_discarded(
    backend: RedisJobBackend, connection: redis.Redis
) -> None:
    ids = backend.submit_many([spec() for _ in range(3)])
    consumer = backend.consumer("w1", ["text"])
    leased_jobs = consumer.dequeue({"text.generate": 3})
    connection.zrem(keys.started_key("text"), f"{ids[1]}:{leased_jobs[1].execution}")
    assert consumer.commit([AttemptResult(leased, Outcome.DONE, "{}") for leased in leased_jobs]) == [True, False, True]
    assert [backend.get(job_id).state for job_id in ids] == [JobState.DONE, JobState.RUNNING, JobState.DONE]
    consumer.close()


def test_only_the_last_jobs_are_kept_in_mind(backend: RedisJobBackend, connection: redis.Redis) -> None:
    consumer = backend.consumer("w1", ["text"])
    backend.submit_many([spec() for _ in range(300)])
    consumer.commit([AttemptResult(leased, Outcome.DONE, "{}") for leased in consumer.dequeue({"text.generate": 300})])
    backend.submit(spec())
    consumer.commit([AttemptResult(leased, Outcome.DONE, "{}") for leased in consumer.dequeue()])
    assert connection.llen(keys.recent_key()) <= keys.RECENT_LENGTH + 50
    consumer.close()
