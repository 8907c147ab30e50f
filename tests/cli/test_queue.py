"""`rider queue` on a real Valkey with dead letters in it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import redis
from harness.shell import Shell

from rider_core.api import JobProblem, JobRecord, JobSpec, JobState, Priority
from rider_core.database import Database
from rider_core.jobs import AttemptResult, Outcome, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey

pytestmark = pytest.mark.slow

PROBLEM = JobProblem(code="crashed", message="[the] pipe is broken", remedy="mend it")


@pytest.fixture
def rider(processes: Processes, valkey: Valkey) -> Shell:
    return Shell({**processes.environment, "REDIS_URL": valkey.url, "COLUMNS": "160"}, "queue")


@pytest.fixture
def dead(connection: redis.Redis) -> list[str]:
    """Ids of three dead letters; a fourth job waits."""
    backend = RedisJobBackend(connection, RQLists())
    consumer = backend.consumer("w1", ["text"])
    specs = [JobSpec(id=f"job-{n}", task="text.generate", payload={"prompt": "hi " * 200}) for n in range(4)]
    ids = backend.submit_many(specs[:3])
    for (leased,) in iter(consumer.dequeue, []):
        how = {"provider": "echo-text", "traceback": "Traceback: line 7"}
        consumer.commit([AttemptResult.with_problem(leased, Outcome.PERMANENT, PROBLEM, **how)])
    backend.submit(specs[3])
    return ids


def test_stats_import_no_plugin(rider: Shell, processes: Processes) -> None:
    """Importing a plugin may take seconds."""
    install_plugin(processes.folder, "ponderous", "open(__file__ + '.imported', 'w').close()")
    assert "voice" in rider("stats").stdout
    assert not list(processes.folder.glob("*.imported"))


def test_stats_show_waiting_jobs_and_unserved_queues(rider: Shell, dead: list[str]) -> None:
    shown = rider("stats")
    assert "no worker serves text; start one with: rider worker text" in shown.stdout
    figures = {queue["queue"]: queue for queue in json.loads(rider("stats", "--json").stdout)}
    assert figures["text"] == {
        "queue": "text", "waiting": 1, "scheduled": 0, "running": 0, "failed": 3, "workers": 0, "paused": False,
        "oldest_s": figures["text"]["oldest_s"],
    }  # fmt: skip
    assert 0 < figures["text"]["oldest_s"] < 60
    assert figures["voice"]["waiting"] == 0


def test_history_shows_the_jobs_that_ended_last(rider: Shell, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    rider = Shell({**rider.environment, "DATABASE_URL": url}, "queue")
    database = Database(url)
    database.upgrade()
    assert rider("history").stdout == "no job has ended yet\n"
    done = JobRecord(
        id="good", task="voice.transcribe", state=JobState.DONE, queue="voice", priority=Priority.HIGH, origin="robot",
        attempts=1, submitted_ts=1.0, started_ts=2.0, ended_ts=2.5, provider="whisper",
    )  # fmt: skip
    failed = done.model_copy(update={"id": "bad", "state": JobState.FAILED, "ended_ts": 3.0, "problem": PROBLEM})
    database.record_jobs([done, failed])
    database.close()
    shown = rider("history").stdout
    assert shown.index("bad") < shown.index("good")
    assert "0.50 s" in shown
    assert "[the] pipe is broken" in shown
    (only,) = map(json.loads, rider("history", "--limit", "1", "--json").stdout.splitlines())
    assert (only["id"], only["problem"]["code"]) == ("bad", "crashed")


def test_rates_are_of_the_time_watched(rider: Shell, dead: list[str], connection: redis.Redis) -> None:
    """Three jobs failed before; while the rates are measured, a job is done every 0.1 s."""
    backend = RedisJobBackend(connection, RQLists())
    consumer = backend.consumer("w2", ["text"])
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            backend.submit(JobSpec(task="text.generate", payload={"prompt": "hi"}))
            consumer.commit([AttemptResult(leased, Outcome.DONE, '{"text":"hi"}') for leased in consumer.dequeue()])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        rows = json.loads(rider("rates", "--seconds", "2", "--json").stdout)
        shown = rider("rates", "--seconds", "1").stdout
    finally:
        stop.set()
        thread.join()
    (text,) = [row for row in rows if row["task"] == "text.generate"]
    assert 3 < text["accepted_per_s"] <= 10.5
    assert 3 < text["done_per_s"] <= 11
    assert text["failed_per_s"] == 0
    assert 0 < text["ran_p50_s"] <= 1
    assert "accepted/s" in shown
    assert "nothing happened" not in shown
    assert "nothing happened within 0." in rider("rates", "--seconds", "0.1").stdout


def test_dead_letters_are_listed_and_looked_into(rider: Shell, dead: list[str]) -> None:
    listed = rider("dead").stdout
    assert all(job_id in listed for job_id in dead)
    assert "crashed: [the] pipe is broken" in listed
    assert len(rider("dead", "--limit", "1", "--json").stdout.splitlines()) == 1
    assert "no dead letters" in rider("dead", "--queue", "voice").stdout
    one = rider("dead", dead[0]).stdout
    for part in ("text.generate", "after 1 attempt", "prompt: 'hi hi", "Traceback: line 7", "remedy    mend it"):
        assert part in one
    assert len(one) < 700


def test_texts_of_a_dead_letter_have_no_control_characters(rider: Shell, connection: redis.Redis) -> None:
    """Origin, payload and errors of a job may come from other programs."""
    evil = "\x1b]0;owned\x07\x9b31m\n\u202efake"
    backend = RedisJobBackend(connection, RQLists())
    backend.submit(JobSpec(id="job", task="text.generate", payload={"prompt": evil}, origin=evil))
    consumer = backend.consumer("w1", ["text"])
    (leased,) = consumer.dequeue()
    problem = JobProblem(code="crashed", message=evil, remedy=evil)
    consumer.commit(
        [AttemptResult.with_problem(leased, Outcome.PERMANENT, problem, provider="echo-text", traceback=evil)]
    )
    for arguments in (("dead",), ("dead", "job"), ("dead", "--json")):
        shown = rider(*arguments)
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout.replace("\n", "").isprintable(), arguments
        assert "owned" in shown.stdout
    assert json.loads(rider("dead", "--json").stdout)["record"]["problem"]["message"] == evil


def test_requeue_takes_named_ones_and_whole_queues(rider: Shell, dead: list[str], connection: redis.Redis) -> None:
    assert rider("requeue", dead[0]).stdout == "1 requeued\n"
    again = rider("requeue", dead[0], dead[1])
    assert (again.returncode, again.stdout, again.stderr) == (1, "1 requeued\n", "job-0 is no dead letter\n")
    assert rider("requeue", "--all", "text").stdout == "1 requeued\n"
    assert connection.llen("rq:queue:text") == 4


def test_purge_of_a_queue_asks_first(rider: Shell, dead: list[str]) -> None:
    refused = rider("purge", "--all", "text", answer="n\n")
    assert refused.returncode == 1
    assert rider("purge", dead[2]).stdout == "1 purged\n"
    assert rider("purge", "--all", "text", answer="y\n").stdout.endswith("2 purged\n")
    assert "no dead letters" in rider("dead").stdout


def test_a_command_without_a_job_says_how_to_name_one(rider: Shell) -> None:
    for command in ("requeue", "purge"):
        refused = rider(command)
        assert refused.returncode == 2
        assert "name jobs (`rider queue dead` lists them), or a whole queue with --all QUEUE" in refused.stderr
    assert "'txet' is not one of" in rider("purge", "--all", "txet").stderr
