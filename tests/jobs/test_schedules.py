"""Schedules: one job for each due time, whatever happens to schedulers on a real Valkey."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import redis
from schedule_harness import Killed, ScheduleHarness, die, schedule

from rider_core.api import JobSpec
from rider_core.api.jobs import ID_PATTERN, Priority, RetryPolicy
from rider_core.api.messages import parse_message
from rider_core.api.schedules import ScheduleState
from rider_core.errors import InvalidInput, JobRefused, ScheduleNotFound
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.schedules import DueStore, Scheduler, ScheduleStore, due_times, schedule_store
from rider_core.jobs.schedules.due_store import ID_KNOWN_S
from rider_core.metrics import SCHEDULE_RUNS, SCHEDULER_BEAT, process_name
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

DOOMED = str(Path(__file__).with_name("killed_scheduler.py"))


# What is refused, and how people change them


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cron": "61 * * * *"}, "cron: '61 * * * *' is never due"),
        ({"cron": "0 0 30 2 *"}, "cron: '0 0 30 2 *' is never due"),
        ({"cron": "*/7-7 * * * *"}, "cron: '*/7-7 * * * *' is never due"),
        ({"cron": "5-5-5 * * * *"}, "cron: '5-5-5 * * * *' is never due"),
        ({"cron": "7-7/0 * * * *"}, "cron: '7-7/0 * * * *' is never due"),
        ({"cron": "* * * *"}, "it must be five fields"),
        ({"cron": "* * * * * *"}, "it must be five fields"),
        ({"cron": "R * * * *"}, "it must be five fields"),
        ({"cron": "* * * * *", "every_s": 5}, "exactly one of cron and every_s"),
        ({"cron": None, "every_s": None}, "exactly one of cron and every_s"),
        ({"every_s": 0}, "every_s: "),
        ({"cron": "* * * * *", "timezone": "Europe/Warszawa"}, "timezone: there is no time zone 'Europe/Warszawa'"),
        ({"cron": "* * * * *", "timezone": "../etc"}, "timezone: there is no"),
        ({"cron": "* * * * *", "timezone": "Europe"}, "timezone: there is no"),
        ({"every_s": 5, "timezone": "Mars/Base"}, "timezone: there is no"),
        ({"payload": {"prompt": 7}}, "payload.prompt: "),
        ({"payload": {"prompt": "x", "temper": 1}}, "payload.temper: "),
        ({"task": "os.system"}, "there is no task 'os.system'"),
        ({"id": "x" * 54}, "id: "),
        ({"id": "a b"}, "id: "),
        ({"deadline_s": 0}, "deadline_s: "),
    ],
)
def test_what_cannot_work_is_refused(scheduling: ScheduleHarness, fields: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidInput, JobRefused)) as refused:
        scheduling.add(**fields)
    assert message in refused.value.message
    assert scheduling.schedule_store.records() == []


def test_a_job_carries_what_its_schedule_says(scheduling: ScheduleHarness) -> None:
    whole = schedule(
        id="x" * 53, priority="high", provider="parrot", deadline_s=30, retry={"max_attempts": 2}, origin="panel"
    )
    spec = whole.job(9_999_999_999)
    assert spec.id == "x" * 53 + "-9999999999"
    assert parse_message(JobSpec, {**spec.model_dump(), "id": spec.id}).id == spec.id
    assert len(spec.id) == 64
    assert ID_PATTERN.endswith("{1,64}$")
    assert (spec.priority, spec.provider, spec.origin) == (Priority.HIGH, "parrot", "panel")
    assert (spec.deadline_ts, spec.retry) == (10_000_000_029, RetryPolicy(max_attempts=2))


def test_pausing_catches_up_on_nothing(scheduling: ScheduleHarness) -> None:
    due = scheduling.add()
    assert scheduling.schedule_store.pause("tick").state is ScheduleState.PAUSED
    scheduling.clock.now = due + 120.0
    scheduling.scheduler().enqueue_jobs()
    assert scheduling.backend.submitted == []
    assert scheduling.schedule_store.resume("tick").next_ts == due + 180
    assert scheduling.record().missed == 0


def test_names_are_taken_once_and_forgotten(scheduling: ScheduleHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduling.add()
    with pytest.raises(InvalidInput, match="already"):
        scheduling.add()
    assert scheduling.schedule_store.add(schedule(every_s=5), replace=True).schedule == schedule(
        every_s=5, since_ts=scheduling.clock.now
    )
    monkeypatch.setattr(schedule_store, "MAX_SCHEDULES", 1)
    with pytest.raises(JobRefused, match="no more are taken"):
        scheduling.add(id="other")
    scheduling.schedule_store.remove("tick")
    assert scheduling.schedule_store.records() == []
    for act in (
        scheduling.schedule_store.remove,
        scheduling.schedule_store.pause,
        scheduling.schedule_store.resume,
        scheduling.schedule_store.get,
    ):
        with pytest.raises(ScheduleNotFound):
            act("tick")


def test_too_much_is_refused(scheduling: ScheduleHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="the limit is 1048576"):
        scheduling.add(task="voice.transcribe", payload={"format": "wav", "audio": "A" * 1_100_000})
    monkeypatch.setattr(schedule_store, "MAX_SCHEDULES", 2)
    scheduling.add(id="one")
    scheduling.add(id="two")
    with pytest.raises(JobRefused, match="there are 2 schedules, no more are taken"):
        scheduling.add(id="three")


# One job for each due time


def test_a_due_time_brings_one_job(scheduling: ScheduleHarness) -> None:
    due = scheduling.add()
    scheduler = scheduling.scheduler()
    scheduler.enqueue_jobs()
    assert scheduling.backend.submitted == []
    scheduling.clock.now = due + 0.5
    scheduler.enqueue_jobs()
    scheduler.enqueue_jobs()
    assert scheduling.backend.submitted == [f"tick-{due}"]
    record = scheduling.record()
    assert (record.last_due_ts, record.last_fired_ts, record.next_ts) == (due, due + 0.5, due + 60)
    assert (record.fired, record.late, record.missed) == (1, 0, 0)
    assert scheduling.backend.get(f"tick-{due}").origin == "schedule"


@pytest.mark.parametrize("point", ["before_begin", "before_submit", "before_advance"])
def test_a_scheduler_dies_and_another_goes_on(scheduling: ScheduleHarness, point: str) -> None:
    due = scheduling.add()
    scheduling.clock.now = due + 0.1
    with pytest.raises(Killed):
        scheduling.scheduler(**{point: die}).enqueue_jobs()
    for _ in range(2):
        scheduling.scheduler().enqueue_jobs()
    assert scheduling.jobs() == 1
    assert (scheduling.record().fired, scheduling.record().next_ts) == (1, due + 60)


@pytest.mark.parametrize("point", ["before_begin", "before_submit", "before_advance"])
def test_two_are_busy_with_the_same_due_time(scheduling: ScheduleHarness, point: str) -> None:
    """The other one does it, and the next one too, while this one is between two steps."""
    due = scheduling.add()

    def other() -> None:
        scheduling.scheduler().enqueue_jobs()
        scheduling.clock.now = due + 60.1
        scheduling.scheduler().enqueue_jobs()

    scheduling.clock.now = due + 0.1
    scheduling.scheduler(**{point: other}).enqueue_jobs()
    assert scheduling.jobs() == 2
    assert (scheduling.record().fired, scheduling.record().next_ts) == (2, due + 120)


def test_one_that_slept_until_the_job_was_forgotten_does_not_repeat_it(scheduling: ScheduleHarness) -> None:
    due = scheduling.add()
    scheduling.clock.now = due + 0.1
    scheduling.scheduler(before_begin=scheduling.scheduler().enqueue_jobs).enqueue_jobs()
    assert scheduling.backend.submitted == [f"tick-{due}"]


@pytest.mark.parametrize(("away_s", "submissions"), [(ID_KNOWN_S - 10, 2), (ID_KNOWN_S + 10, 1)])
def test_nothing_is_repeated_that_the_backend_may_have_forgotten(
    scheduling: ScheduleHarness, away_s: float, submissions: int
) -> None:
    """The scheduler is killed after it submitted, and no scheduler runs for `away_s`. The schedule is a daily one."""
    due = scheduling.add(every_s=86_400)
    scheduling.clock.now = due + 0.1
    with pytest.raises(Killed):
        scheduling.scheduler(before_advance=die).enqueue_jobs()
    scheduling.clock.now += away_s
    scheduling.scheduler().enqueue_jobs()
    assert scheduling.backend.submitted == [f"tick-{due}"] * submissions
    assert (scheduling.record().fired, scheduling.record().missed) == (submissions - 1, 2 - submissions)
    assert scheduling.record().next_ts == due + 86_400


def test_what_was_changed_meanwhile_stays_changed(scheduling: ScheduleHarness) -> None:
    due = scheduling.add()
    scheduling.clock.now = due + 0.1
    changed = schedule(cron="0 0 1 1 *")
    scheduling.scheduler(
        before_advance=lambda: (scheduling.schedule_store.add(changed, replace=True), None)[1]
    ).enqueue_jobs()
    assert scheduling.record().next_ts == due_times(changed).after(due)
    scheduling.schedule_store.remove("tick")
    due = scheduling.add()
    scheduling.clock.now = due + 0.1
    # The same id and the same due time, yet another schedule.
    scheduling.scheduler(before_begin=lambda: readd(scheduling, due)).enqueue_jobs()
    assert scheduling.backend.get(f"tick-{due}").priority is Priority.HIGH


def readd(scheduling: ScheduleHarness, due: int) -> None:
    scheduling.schedule_store.remove("tick")
    scheduling.clock.now = due - 1.0
    scheduling.add(priority="high", since_ts=due - 60)
    scheduling.clock.now = due + 0.1


# The process


class Watched(DueStore):
    """Sets `waiting` when the scheduler begins to wait."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__(connection)
        self.waiting = threading.Event()

    def wait_for_change(self, timeout_s: float) -> bool:
        self.waiting.set()
        return super().wait_for_change(timeout_s)


def test_a_change_wakes_it_and_so_does_a_due_time(connection: redis.Redis) -> None:
    schedules, due_store = ScheduleStore(connection), Watched(connection)
    scheduler = Scheduler(due_store, RedisJobBackend(connection, RQLists()))
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    try:
        assert due_store.waiting.wait(10)
        assert schedules.schedulers() == 1
        # By itself it looks again after ten seconds.
        schedules.add(schedule(every_s=2))
        wait_until(lambda: schedules.get("tick").fired == 2, 6, "the second job")
    finally:
        scheduler.stop()
        thread.join(timeout=10)
    assert not thread.is_alive()
    assert schedules.schedulers() == 0


@pytest.mark.parametrize("point", ["before-submit", "after-submit", "after-advance"])
def test_of_two_processes_one_is_killed(
    valkey: Valkey, connection: redis.Redis, processes: Processes, point: str
) -> None:
    """Killed at its first job, while the other one runs: every second has its job, and has it once."""
    schedules, backend = ScheduleStore(connection), RedisJobBackend(connection, RQLists())
    steady = processes.start(DOOMED, valkey.url, "never")
    doomed = processes.start(DOOMED, valkey.url, point)
    wait_until(lambda: schedules.schedulers() == 2, what="two schedulers")
    # The doomed one must be the first at its last job.
    steady.send_signal(signal.SIGSTOP)
    first = schedules.add(schedule(every_s=1)).next_ts
    assert first is not None
    try:
        assert doomed.wait(timeout=15) == -signal.SIGKILL, processes.log()
    finally:
        steady.send_signal(signal.SIGCONT)
    wait_until(lambda: schedules.get("tick").fired >= 5, what="five jobs")
    assert_each_second_has_one_job(schedules, backend, first, steady)


def assert_each_second_has_one_job(
    schedules: ScheduleStore, backend: RedisJobBackend, first: int, steady: subprocess.Popen[bytes]
) -> None:
    steady.terminate()
    assert steady.wait(timeout=10) == 0
    record = schedules.get("tick")
    assert record.last_due_ts is not None
    expected = range(first, record.last_due_ts + 1)
    assert [backend.get(f"tick-{due}").id for due in expected] == [f"tick-{due}" for due in expected]
    assert sum(queue.waiting for queue in backend.stats()) == len(expected) == record.fired
    assert record.missed == 0


# What metrics tell


def runs() -> dict[str, float]:
    """Due times that passed, by what became of them."""
    (metric,) = SCHEDULE_RUNS.collect()
    return {it.labels["outcome"]: it.value for it in metric.samples if it.name.endswith("_total")}


def test_metrics_tell_what_is_due_and_what_became_of_it(scheduling: ScheduleHarness) -> None:
    before = {"on_time": 0.0, "late": 0.0, "missed": 0.0} | runs()
    due = scheduling.add(id="tick")
    scheduling.add(id="paused")
    scheduling.schedule_store.pause("paused")
    assert scheduling.schedule_store.counts() == (1, 1, 0)
    scheduling.clock.now = float(due)
    assert scheduling.schedule_store.counts() == (1, 1, 1)
    scheduling.scheduler().run(burst=True)
    assert scheduling.schedule_store.counts() == (1, 1, 0)
    scheduling.clock.now = due + 65.0
    scheduling.scheduler().run(burst=True)
    now = runs()
    assert {name: now[name] - before[name] for name in before} == {"on_time": 1, "late": 1, "missed": 0}
    (beat,) = SCHEDULER_BEAT.collect()
    assert {it.labels["process"]: it.value for it in beat.samples} == {process_name(): scheduling.clock.now}
