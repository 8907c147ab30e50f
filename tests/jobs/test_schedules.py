"""Schedules: when they are due, and one job for each due time, whatever happens to schedulers on a real Valkey."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis

from rider_core.api import JobSpec, schedules
from rider_core.api.jobs import ID_PATTERN, Priority, RetryPolicy
from rider_core.api.messages import parse_message
from rider_core.api.schedules import Missed, Schedule, ScheduleRecord, ScheduleState, machine_timezone
from rider_core.errors import BackendUnavailable, InvalidInput, JobRefused, QueueFull, RiderError, ScheduleNotFound
from rider_core.jobs.rq_backend import RQBackend
from rider_core.jobs.schedules import Agenda, ScheduleBook, Scheduler, book, due_times, scripts
from rider_core.jobs.schedules import scheduler as scheduler_module
from rider_core.jobs.schedules.agenda import ID_KNOWN_S, Entry
from rider_core.jobs.schedules.plan import MISSED_AFTER_S, Step
from rider_core.jobs.schedules.times import MAX_COUNTED
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until
from rider_core.timing import Stopwatch

WARSAW = ZoneInfo("Europe/Warsaw")
DOOMED = str(Path(__file__).with_name("killed_scheduler.py"))


def schedule(**fields: Any) -> Schedule:
    """One for every minute, unless the fields say otherwise."""
    times = {} if {"cron", "every_s"} & set(fields) else {"every_s": 60}
    whole = {"id": "tick", "task": "text.generate", "payload": {"prompt": "hi"}, "timezone": "UTC", **times, **fields}
    return parse_message(Schedule, whole)


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


class Backend(RQBackend):
    """The real one, which notes what is handed over and refuses what it is told to."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__(connection)
        self.handed: list[str] = []
        self.refusals: dict[str, Exception] = {}

    def submit(self, spec: JobSpec) -> str:
        for prefix, error in self.refusals.items():
            if spec.id.startswith(prefix):
                raise error
        self.handed.append(spec.id)
        return super().submit(spec)


class Interrupted(Scheduler):
    """Something happens in the middle of its next step."""

    def __init__(self, agenda: Agenda, backend: RQBackend, **happenings: Callable[[], None]) -> None:
        super().__init__(agenda, backend)
        self._happenings = happenings

    def _fire(self, job: Entry, spec: JobSpec, step: Step) -> None:
        self._happen("before_begin")
        super()._fire(job, spec, step)

    def _submit(self, spec: JobSpec) -> None:
        self._happen("before_submit")
        super()._submit(spec)

    def _advance(self, job: Entry, step: Step) -> None:
        self._happen("before_advance")
        super()._advance(job, step)

    def _happen(self, when: str) -> None:
        self._happenings.pop(when, lambda: None)()


class Killed(BaseException):
    """The process is gone."""


def die() -> None:
    raise Killed


class Stage:
    """A book, a backend, and schedulers that all share a clock."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.clock = Clock()
        self.book = ScheduleBook(connection, self.clock)
        self.backend = Backend(connection)

    def scheduler(self, **happenings: Callable[[], None]) -> Interrupted:
        return Interrupted(Agenda(self.connection, self.clock), self.backend, **happenings)

    def add(self, **fields: Any) -> int:
        """The first due time."""
        due = self.book.add(schedule(**fields)).next_ts
        assert due is not None
        return due

    def record(self, schedule_id: str = "tick") -> ScheduleRecord:
        return self.book.get(schedule_id)

    def jobs(self) -> int:
        return sum(queue.waiting for queue in self.backend.stats())


@pytest.fixture
def stage(connection: redis.Redis) -> Stage:
    return Stage(connection)


def shown(zone: ZoneInfo, *texts: str) -> list[int]:
    """Seconds since the epoch; a text may end with an offset."""
    times = [datetime.fromisoformat(text) for text in texts]
    return [int((it if it.tzinfo else it.replace(tzinfo=zone)).timestamp()) for it in times]


def first_due(cron: str, start: str, number: int) -> list[int]:
    times = due_times(schedule(cron=cron, timezone="Europe/Warsaw"))
    found: list[int] = []
    ts: float = shown(WARSAW, start)[0]
    for _ in range(number):
        ts = times.after(ts)
        found.append(int(ts))
    return found


# When they are due


@pytest.mark.parametrize(
    ("cron", "start", "due"),
    [
        ("*/20 9 * * mon-fri", "2026-03-06T09:15", ["2026-03-06T09:20", "2026-03-06T09:40", "2026-03-09T09:00"]),
        # Either of the days, as cron has always had it.
        ("0 0 13 * 5", "2026-01-01T00:00", ["2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00"]),
        ("0 12 29 2 *", "2026-01-01T00:00", ["2028-02-29T12:00"]),
        # 29 March 2026: the clock goes from 02:00 to 03:00.
        ("30 2 * * *", "2026-03-28T12:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30"]),
        ("15 */2 * * *", "2026-03-29T01:00", ["2026-03-29T03:00+02:00", "2026-03-29T04:15"]),
        ("0,30 2,3 * * *", "2026-03-29T01:00", ["2026-03-29T03:00", "2026-03-29T03:30", "2026-03-30T02:00"]),
        ("*/30 * * * *", "2026-03-29T01:15", ["2026-03-29T01:30", "2026-03-29T03:00", "2026-03-29T03:30"]),
        # 25 October 2026: 02:00 to 03:00 comes twice.
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30"]),
        ("*/40 2 * * *", "2026-10-25T02:10+02:00", ["2026-10-25T02:40+02:00", "2026-10-26T02:00"]),
        ("30 2 * * *", "2026-10-25T02:10+01:00", ["2026-10-26T02:30"]),
        ("30 * * * *", "2026-10-25T02:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]),
    ],
)  # fmt: skip
def test_cron_is_due_in_its_time_zone(cron: str, start: str, due: list[str]) -> None:
    assert first_due(cron, start, len(due)) == shown(WARSAW, *due)


@pytest.mark.parametrize(
    ("cron", "alike"),
    [
        ("0 7-7 * * *", "0 7 * * *"),
        ("0-0 0-0 * * *", "0 0 * * *"),
        ("0 0 * * mon-mon", "0 0 * * mon"),
        ("0 0 * jan-JAN *", "0 0 * 1 *"),
        ("59-59 23-23 31-31 12-12 *", "59 23 31 12 *"),
        ("5,10-10,20-22 07-7 * * *", "5,10,20-22 7 * * *"),
        ("7-7/2 0 * * *", "7 0 * * *"),
        ("0 0 * * sun-7", "0 0 * * 0"),
        ("0 0 * * fri-5", "0 0 * * 5"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0 0 * * 7-0", "0 0 * * 0"),
        ("0 7-0 * * *", "0 0,7-23 * * *"),  # of an hour, that is the rest of the day
        ("0 0 * * sat-7,2-2", "0 0 * * 0,2,6"),
        ("0 0 * * mon-fri/2", "0 0 * * 1,3,5"),
        ("@daily", "0 0 * * *"),
        ("@Hourly", "0 * * * *"),
        ("@weekly", "0 0 * * sun"),
        ("@yearly", "0 0 1 jan *"),
    ],
)
def test_a_range_from_a_value_to_itself_is_that_value(cron: str, alike: str) -> None:
    assert first_due(cron, "2026-01-01T00:00", 20) == first_due(alike, "2026-01-01T00:00", 20)


def test_an_interval_does_not_drift() -> None:
    times = due_times(schedule(every_s=30, since_ts=1_000_000_007))
    assert times.after(1_000_000_007) == 1_000_000_037
    assert times.after(1_000_000_036.9) == 1_000_000_037
    assert times.after(1_000_000_037.0) == 1_000_000_067
    assert times.after(0) == 17, "the clock may have been set back since it began"


@pytest.mark.parametrize(
    "fields", [{"cron": "7 4 * * *"}, {"cron": "* * * * *"}, {"cron": "0 0 1 1 *"}, {"every_s": 7}]
)
def test_the_latest_is_found_however_long_it_was(fields: dict[str, Any]) -> None:
    times = due_times(schedule(**fields))
    first = times.after(1_700_000_000)
    for later_s in (0, 1, 59, 3_600, 100_000, 40_000_000):
        latest = times.latest(first, first + later_s)
        assert first <= latest <= first + later_s < times.after(latest)
    assert times.count(first, times.after(times.after(first))) == 2
    assert times.count(first, first + 10**9) <= MAX_COUNTED


def test_the_machine_says_its_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Warsaw")
    assert machine_timezone() == "Europe/Warsaw"
    monkeypatch.delenv("TZ")
    assert ZoneInfo(machine_timezone())


ZONES = Path("/usr/share/zoneinfo")


@pytest.mark.skipif(not ZONES.is_dir(), reason="the system has no time zones of its own")
class TestTheMachinesZone:
    @pytest.fixture(autouse=True)
    def a_machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TZ", raising=False)
        monkeypatch.setattr(schedules, "_LOCAL_TIME", tmp_path / "localtime")
        monkeypatch.setattr(schedules, "_TIME_ZONE", tmp_path / "timezone")
        self.local_time, self.named = tmp_path / "localtime", tmp_path / "timezone"

    @pytest.mark.parametrize("variable", [None, ":{}", "{}"])
    def test_is_a_link(self, monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
        self.local_time.symlink_to(ZONES / "Europe/Warsaw")
        if variable:
            monkeypatch.setenv("TZ", variable.format(self.local_time))
        assert machine_timezone() == "Europe/Warsaw"

    def test_is_in_a_file_beside_a_copy(self) -> None:
        self.local_time.write_bytes((ZONES / "Europe/Warsaw").read_bytes())
        self.named.write_text("Europe/Warsaw\n")
        assert machine_timezone() == "Europe/Warsaw"

    def test_is_a_copy(self) -> None:
        self.local_time.write_bytes((ZONES / "Europe/Warsaw").read_bytes())
        assert machine_timezone() == "Europe/Warsaw"

    @pytest.mark.parametrize("named", [None, "Warszawa", "\xff"])
    def test_is_not_told(self, caplog: pytest.LogCaptureFixture, named: str | None) -> None:
        if named:
            self.named.write_text(named)
        assert machine_timezone() == "UTC"
        assert "does not tell its time zone" in caplog.text


# What is refused, and how people change them


@pytest.mark.parametrize(
    ("fields", "told"),
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
def test_what_cannot_work_is_refused(stage: Stage, fields: dict[str, Any], told: str) -> None:
    with pytest.raises((InvalidInput, JobRefused)) as refused:
        stage.add(**fields)
    assert told in refused.value.message
    assert stage.book.records() == []


def test_a_job_carries_what_its_schedule_says(stage: Stage) -> None:
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


def test_pausing_catches_up_on_nothing(stage: Stage) -> None:
    due = stage.add()
    assert stage.book.pause("tick").state is ScheduleState.PAUSED
    stage.clock.now = due + 120.0
    stage.scheduler().enqueue_jobs()
    assert stage.backend.handed == []
    assert stage.book.resume("tick").next_ts == due + 180
    assert stage.record().missed == 0


def test_names_are_taken_once_and_forgotten(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.add()
    with pytest.raises(InvalidInput, match="already"):
        stage.add()
    assert stage.book.add(schedule(every_s=5), replace=True).schedule == schedule(every_s=5, since_ts=stage.clock.now)
    monkeypatch.setattr(book, "MAX_SCHEDULES", 1)
    with pytest.raises(JobRefused, match="no more are taken"):
        stage.add(id="other")
    stage.book.remove("tick")
    assert stage.book.records() == []
    for act in (stage.book.remove, stage.book.pause, stage.book.resume, stage.book.get):
        with pytest.raises(ScheduleNotFound):
            act("tick")


def test_too_much_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="the limit is 1048576"):
        stage.add(task="voice.transcribe", payload={"format": "wav", "audio": "A" * 1_100_000})
    monkeypatch.setattr(book, "MAX_SCHEDULES", 2)
    stage.add(id="one")
    stage.add(id="two")
    with pytest.raises(JobRefused, match="there are 2 schedules, no more are taken"):
        stage.add(id="three")


# One job for each due time


def test_a_due_time_brings_one_job(stage: Stage) -> None:
    due = stage.add()
    scheduler = stage.scheduler()
    scheduler.enqueue_jobs()
    assert stage.backend.handed == []
    stage.clock.now = due + 0.5
    scheduler.enqueue_jobs()
    scheduler.enqueue_jobs()
    assert stage.backend.handed == [f"tick-{due}"]
    record = stage.record()
    assert (record.last_due_ts, record.last_fired_ts, record.next_ts) == (due, due + 0.5, due + 60)
    assert (record.fired, record.late, record.missed) == (1, 0, 0)
    assert stage.backend.get(f"tick-{due}").origin == "schedule"


@pytest.mark.parametrize("point", ["before_begin", "before_submit", "before_advance"])
def test_a_scheduler_dies_and_another_goes_on(stage: Stage, point: str) -> None:
    due = stage.add()
    stage.clock.now = due + 0.1
    with pytest.raises(Killed):
        stage.scheduler(**{point: die}).enqueue_jobs()
    for _ in range(2):
        stage.scheduler().enqueue_jobs()
    assert stage.jobs() == 1
    assert (stage.record().fired, stage.record().next_ts) == (1, due + 60)


@pytest.mark.parametrize("point", ["before_begin", "before_submit", "before_advance"])
def test_two_are_busy_with_the_same_due_time(stage: Stage, point: str) -> None:
    """The other one does it, and the next one too, while this one is between two steps."""
    due = stage.add()

    def other() -> None:
        stage.scheduler().enqueue_jobs()
        stage.clock.now = due + 60.1
        stage.scheduler().enqueue_jobs()

    stage.clock.now = due + 0.1
    stage.scheduler(**{point: other}).enqueue_jobs()
    assert stage.jobs() == 2
    assert (stage.record().fired, stage.record().next_ts) == (2, due + 120)


def test_one_that_slept_until_the_job_was_forgotten_does_not_repeat_it(stage: Stage) -> None:
    due = stage.add()
    stage.clock.now = due + 0.1
    stage.scheduler(before_begin=stage.scheduler().enqueue_jobs).enqueue_jobs()
    assert stage.backend.handed == [f"tick-{due}"]


@pytest.mark.parametrize(("away_s", "handed"), [(ID_KNOWN_S - 10, 2), (ID_KNOWN_S + 10, 1)])
def test_nothing_is_repeated_that_the_backend_may_have_forgotten(stage: Stage, away_s: float, handed: int) -> None:
    """Killed after it had submitted, and nobody went on for so long. The schedule is a daily one."""
    due = stage.add(every_s=86_400)
    stage.clock.now = due + 0.1
    with pytest.raises(Killed):
        stage.scheduler(before_advance=die).enqueue_jobs()
    stage.clock.now += away_s
    stage.scheduler().enqueue_jobs()
    assert stage.backend.handed == [f"tick-{due}"] * handed
    assert (stage.record().fired, stage.record().missed) == (handed - 1, 2 - handed)
    assert stage.record().next_ts == due + 86_400


def test_what_was_changed_meanwhile_stays_changed(stage: Stage) -> None:
    due = stage.add()
    stage.clock.now = due + 0.1
    changed = schedule(cron="0 0 1 1 *")
    stage.scheduler(before_advance=lambda: (stage.book.add(changed, replace=True), None)[1]).enqueue_jobs()
    assert stage.record().next_ts == due_times(changed).after(due)
    stage.book.remove("tick")
    due = stage.add()
    stage.clock.now = due + 0.1
    # The same id and the same due time, yet another schedule.
    stage.scheduler(before_begin=lambda: readd(stage, due)).enqueue_jobs()
    assert stage.backend.get(f"tick-{due}").priority is Priority.HIGH


def readd(stage: Stage, due: int) -> None:
    stage.book.remove("tick")
    stage.clock.now = due - 1.0
    stage.add(priority="high", since_ts=due - 60)
    stage.clock.now = due + 0.1


# What was missed


@pytest.mark.parametrize(
    ("missed", "late_s", "handed", "missing"),
    [
        (Missed.ONCE, 59, [0], 0),
        (Missed.SKIP, 59, [0], 0),
        (Missed.ONCE, 245, [4], 4),
        (Missed.SKIP, 245, [4], 4),  # five seconds late is not missed
        (Missed.ONCE, 100, [1], 1),
    ],
)
def test_what_was_missed_for_long_is_one_job(
    stage: Stage, missed: Missed, late_s: float, handed: list[int], missing: int
) -> None:
    due = stage.add(missed=missed)
    stage.clock.now = due + late_s
    stage.scheduler().enqueue_jobs()
    assert stage.backend.handed == [f"tick-{due + 60 * number}" for number in handed]
    assert (stage.record().fired, stage.record().missed) == (len(handed), missing)
    assert (stage.record().next_ts or 0) > stage.clock.now


@pytest.mark.parametrize(("missed", "fired"), [(Missed.ONCE, 1), (Missed.SKIP, 0)])
def test_a_schedule_says_whether_it_catches_up(stage: Stage, missed: Missed, fired: int) -> None:
    due = stage.add(every_s=3_600, missed=missed)
    stage.clock.now = due + MISSED_AFTER_S + 1.0
    stage.scheduler().enqueue_jobs()
    assert (stage.record().fired, stage.record().missed, stage.record().late) == (fired, 1 - fired, fired)
    assert stage.record().next_ts == due + 3_600


def test_short_breaks_lose_nothing(stage: Stage) -> None:
    due = stage.add(every_s=1)
    stage.clock.now = due + 9.5
    stage.scheduler().enqueue_jobs()
    assert stage.backend.handed == [f"tick-{due + number}" for number in range(10)]
    assert (stage.record().late, stage.record().missed) == (9, 0)


def test_no_job_is_made_that_would_expire_at_once(stage: Stage) -> None:
    due = stage.add(deadline_s=5)
    stage.clock.now = due + 5.0
    stage.scheduler().enqueue_jobs()
    assert (stage.backend.handed, stage.record().missed) == ([], 1)


# What goes wrong


@pytest.mark.parametrize(
    "error", [QueueFull("full", retry_after_s=0.1), BackendUnavailable("away"), RuntimeError("a bug of a plugin")]
)
def test_a_backend_that_refuses_is_asked_again_and_others_go_on(stage: Stage, error: Exception) -> None:
    due = stage.add(id="a")
    stage.add(id="b")
    stage.backend.refusals["a-"] = error
    stage.clock.now = due + 0.1
    scheduler = stage.scheduler()
    scheduler.enqueue_jobs()
    assert stage.backend.handed == [f"b-{due}"]
    assert scheduler.describe()["problems"] == [f"a: {error}"]
    tries: list[str] = []
    stage.backend.refusals = Refusals(tries, error)
    for _ in range(50):
        scheduler.enqueue_jobs()
    assert tries == []  # it rests
    stage.backend.refusals = {}
    wait_until(lambda: scheduler.enqueue_jobs() or stage.record("a").fired)
    assert stage.backend.handed == [f"b-{due}", f"a-{due}"]
    assert stage.record("a").next_ts == due + 60
    assert scheduler.describe()["problems"] == []


class Refusals(dict[str, Exception]):
    """Notes who asks."""

    def __init__(self, tries: list[str], error: Exception) -> None:
        super().__init__({"": error})
        self._tries = tries

    def items(self) -> Any:
        self._tries.append("asked")
        return super().items()


def test_a_due_time_is_kept_while_the_queue_is_full_for_long(stage: Stage) -> None:
    """Each attempt is known to have brought nothing, so none is doubtful, however long it takes."""
    due = stage.add(every_s=86_400)
    stage.backend.refusals["tick"] = QueueFull("full", retry_after_s=0)
    for later_s in (0.1, ID_KNOWN_S + 1.0):
        stage.clock.now = due + later_s
        stage.scheduler().enqueue_jobs()
    stage.backend.refusals.clear()
    stage.scheduler().enqueue_jobs()
    assert stage.backend.handed == [f"tick-{due}"]


@pytest.mark.parametrize("error", [JobRefused("there is no task 'x'"), InvalidInput("prompt: missing")])
def test_a_broken_schedule_is_disabled_with_its_reason(stage: Stage, error: RiderError) -> None:
    due = stage.add()
    stage.backend.refusals["tick"] = error
    stage.clock.now = due + 0.1
    stage.scheduler().enqueue_jobs()
    record = stage.record()
    assert (record.state, record.problem, record.next_ts) == (ScheduleState.BROKEN, str(error), None)
    stage.backend.refusals.clear()
    assert stage.book.resume("tick").state is ScheduleState.ACTIVE
    stage.clock.now += 60
    stage.scheduler().enqueue_jobs()
    assert len(stage.backend.handed) == 1


def test_what_is_not_a_schedule_is_disabled_and_shown(stage: Stage) -> None:
    due = stage.add(id="broken")
    stage.add(id="whole")
    stage.connection.hset(scripts.key_of("broken"), "schedule", b'{"id": "broken", "task": 7}')
    assert stage.record("broken").state is ScheduleState.BROKEN
    stage.clock.now = due + 0.1
    stage.scheduler().enqueue_jobs()
    assert stage.backend.handed == [f"whole-{due}"]
    assert stage.record("broken").next_ts is None
    assert "task" in (stage.record("broken").problem or "")


@pytest.mark.parametrize("kind", ["string", "set", "hash", "gone"])
def test_another_kind_of_thing_in_a_schedules_place(stage: Stage, kind: str) -> None:
    """The others are done, it is shown, and it can be removed."""
    due = stage.add(id="broken")
    stage.add(id="whole")
    key = scripts.key_of("broken")
    stage.connection.delete(key)
    if kind == "string":
        stage.connection.set(key, "x")
    elif kind == "set":
        stage.connection.sadd(key, "x")
    elif kind == "hash":
        stage.connection.hset(key, "zażółć", b"\xff")
    stage.clock.now = due + 0.1
    stage.scheduler().enqueue_jobs()
    assert stage.backend.handed == [f"whole-{due}"]
    shown = {record.id: record.state for record in stage.book.records()}
    assert shown["whole"] is ScheduleState.ACTIVE
    assert shown.get("broken", ScheduleState.BROKEN) is ScheduleState.BROKEN
    stage.book.remove("broken")
    assert [record.id for record in stage.book.records()] == ["whole"]


def test_rq_schedulers_own_ways_to_make_jobs_are_closed(stage: Stage) -> None:
    with pytest.raises(NotImplementedError, match=r"ScheduleBook\.add"):
        stage.scheduler().enqueue_in(timedelta(seconds=1), print)


# The process


class Watched(Agenda):
    """Says that the scheduler has begun to wait."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__(connection)
        self.waiting = threading.Event()

    def wait_for_change(self, timeout_s: float) -> bool:
        self.waiting.set()
        return super().wait_for_change(timeout_s)


def test_a_change_wakes_it_and_so_does_a_due_time(connection: redis.Redis) -> None:
    schedules, agenda = ScheduleBook(connection), Watched(connection)
    scheduler = Scheduler(agenda, RQBackend(connection))
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    try:
        assert agenda.waiting.wait(10)
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
    schedules, backend = ScheduleBook(connection), RQBackend(connection)
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
    schedules: ScheduleBook, backend: RQBackend, first: int, steady: subprocess.Popen[bytes]
) -> None:
    steady.terminate()
    assert steady.wait(timeout=10) == 0
    record = schedules.get("tick")
    assert record.last_due_ts is not None
    expected = range(first, record.last_due_ts + 1)
    assert [backend.get(f"tick-{due}").id for due in expected] == [f"tick-{due}" for due in expected]
    assert sum(queue.waiting for queue in backend.stats()) == len(expected) == record.fired
    assert record.missed == 0


# When the machine's clock is set


def test_an_interval_comes_within_its_time_though_the_clock_was_set_back(stage: Stage) -> None:
    due = stage.add(every_s=60)
    scheduler = stage.scheduler()
    stage.clock.now = due + 0.1
    scheduler.run(burst=True)
    stage.clock.now -= 7_200
    now = stage.clock.now
    scheduler.run(burst=True)
    next_ts = stage.record().next_ts
    assert next_ts is not None
    assert now < next_ts <= now + 60
    stage.clock.now = next_ts + 0.1
    scheduler.run(burst=True)
    assert stage.backend.handed == [f"tick-{due}", f"tick-{next_ts}"]


def test_and_where_it_was_set_back_while_no_scheduler_ran(stage: Stage) -> None:
    stage.add(every_s=60)
    stage.clock.now -= 7_200
    stage.scheduler().run(burst=True)
    assert (stage.record().next_ts or 0) <= stage.clock.now + 60


def test_a_day_forward_is_one_job(stage: Stage) -> None:
    due = stage.add(every_s=60)
    scheduler = stage.scheduler()
    stage.clock.now = due + 0.1
    scheduler.run(burst=True)
    stage.clock.now += 86_400
    scheduler.run(burst=True)
    assert len(stage.backend.handed) == 2
    assert (stage.record().next_ts or 0) <= stage.clock.now + 60


def test_it_says_that_it_lives_though_the_clock_was_set_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "BEAT_S", 0.5)
    scheduler = stage.scheduler()
    threading.Timer(0.2, lambda: setattr(stage.clock, "now", stage.clock.now - 7_200)).start()
    watch = Stopwatch.start()
    scheduler._wait()
    assert 0.4 < watch.elapsed_s < 3


@pytest.mark.parametrize("back_s", [90, 300])
def test_no_interval_is_lost_however_often_it_was_set_back(stage: Stage, back_s: int) -> None:
    """The old times come again; their jobs are others than those that were done at them."""
    stage.clock.now = stage.add(every_s=60) + 0.1
    scheduler = stage.scheduler()
    for number in range(1, 21):
        scheduler.run(burst=True)
        assert stage.jobs() == number
        stage.clock.now -= back_s
        scheduler.run(burst=True)
        stage.clock.now += 60


@pytest.mark.parametrize(
    ("cron", "back_s", "within_s"),
    [("*/5 * * * *", 7_200, 300), ("0 */6 * * *", 40 * 86_400, 6 * 3_600), ("30 7 * * *", 400 * 86_400, 86_400)],
)
def test_a_time_of_day_comes_though_the_clock_was_far_ahead(
    stage: Stage, cron: str, back_s: int, within_s: int
) -> None:
    due = stage.add(cron=cron)
    scheduler = stage.scheduler()
    stage.clock.now = due + 0.1
    scheduler.run(burst=True)
    stage.clock.now -= back_s
    scheduler.run(burst=True)
    assert (stage.record().next_ts or 0) <= stage.clock.now + within_s


def test_a_time_of_day_does_not_come_twice_for_a_step_back(stage: Stage) -> None:
    due = stage.add(cron="30 7 * * *")
    scheduler = stage.scheduler()
    stage.clock.now = due + 0.1
    scheduler.run(burst=True)
    stage.clock.now -= 7_200
    scheduler.run(burst=True)
    assert stage.record().next_ts == due + 86_400
