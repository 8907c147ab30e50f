"""Due times that were missed, backends that refuse, and records that are no schedules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from schedule_harness import ScheduleHarness

from rider_core.api.schedules import Missed, ScheduleState
from rider_core.errors import BackendUnavailable, InvalidInput, JobRefused, QueueFull, RiderError
from rider_core.jobs.schedules import protocol
from rider_core.jobs.schedules.due_store import ID_KNOWN_S
from rider_core.jobs.schedules.plan import MISSED_AFTER_S
from rider_core.testing.waiting import wait_until

# What was missed


@pytest.mark.parametrize(
    ("missed", "late_s", "submitted", "missing"),
    [
        (Missed.ONCE, 59, [0], 0),
        (Missed.SKIP, 59, [0], 0),
        (Missed.ONCE, 245, [4], 4),
        (Missed.SKIP, 245, [4], 4),  # five seconds late is not missed
        (Missed.ONCE, 100, [1], 1),
    ],
)
def test_what_was_missed_for_long_is_one_job(
    scheduling: ScheduleHarness, missed: Missed, late_s: float, submitted: list[int], missing: int
) -> None:
    due = scheduling.add(missed=missed)
    scheduling.clock.now = due + late_s
    scheduling.scheduler().enqueue_jobs()
    assert scheduling.backend.submitted == [f"tick-{due + 60 * number}" for number in submitted]
    assert (scheduling.record().fired, scheduling.record().missed) == (len(submitted), missing)
    assert (scheduling.record().next_ts or 0) > scheduling.clock.now


@pytest.mark.parametrize(("missed", "fired"), [(Missed.ONCE, 1), (Missed.SKIP, 0)])
def test_a_schedule_says_whether_it_catches_up(scheduling: ScheduleHarness, missed: Missed, fired: int) -> None:
    due = scheduling.add(every_s=3_600, missed=missed)
    scheduling.clock.now = due + MISSED_AFTER_S + 1.0
    scheduling.scheduler().enqueue_jobs()
    assert (scheduling.record().fired, scheduling.record().missed, scheduling.record().late) == (
        fired,
        1 - fired,
        fired,
    )
    assert scheduling.record().next_ts == due + 3_600


def test_short_breaks_lose_nothing(scheduling: ScheduleHarness) -> None:
    due = scheduling.add(every_s=1)
    scheduling.clock.now = due + 9.5
    scheduling.scheduler().enqueue_jobs()
    assert scheduling.backend.submitted == [f"tick-{due + number}" for number in range(10)]
    assert (scheduling.record().late, scheduling.record().missed) == (9, 0)


def test_no_job_is_made_that_would_expire_at_once(scheduling: ScheduleHarness) -> None:
    due = scheduling.add(deadline_s=5)
    scheduling.clock.now = due + 5.0
    scheduling.scheduler().enqueue_jobs()
    assert (scheduling.backend.submitted, scheduling.record().missed) == ([], 1)


# What goes wrong


@pytest.mark.parametrize(
    "error", [QueueFull("full", retry_after_s=0.1), BackendUnavailable("away"), RuntimeError("a bug of a plugin")]
)
def test_a_backend_that_refuses_is_asked_again_and_others_go_on(scheduling: ScheduleHarness, error: Exception) -> None:
    due = scheduling.add(id="a")
    scheduling.add(id="b")
    scheduling.backend.refusals["a-"] = error
    scheduling.clock.now = due + 0.1
    scheduler = scheduling.scheduler()
    scheduler.enqueue_jobs()
    assert scheduling.backend.submitted == [f"b-{due}"]
    assert scheduler.describe()["problems"] == [f"a: {error}"]
    tries: list[str] = []
    scheduling.backend.refusals = Refusals(tries, error)
    for _ in range(50):
        scheduler.enqueue_jobs()
    assert tries == []  # it is delayed
    scheduling.backend.refusals = {}
    wait_until(lambda: scheduler.enqueue_jobs() or scheduling.record("a").fired)
    assert scheduling.backend.submitted == [f"b-{due}", f"a-{due}"]
    assert scheduling.record("a").next_ts == due + 60
    assert scheduler.describe()["problems"] == []


class Refusals(dict[str, Exception]):
    """Records each look-up."""

    def __init__(self, tries: list[str], error: Exception) -> None:
        super().__init__({"": error})
        self._tries = tries

    def items(self) -> Any:
        self._tries.append("asked")
        return super().items()


def test_a_due_time_is_kept_while_the_queue_is_full_for_long(scheduling: ScheduleHarness) -> None:
    """Each attempt is known to have been refused, so no submission is unknown, however long that lasts."""
    due = scheduling.add(every_s=86_400)
    scheduling.backend.refusals["tick"] = QueueFull("full", retry_after_s=0)
    for later_s in (0.1, ID_KNOWN_S + 1.0):
        scheduling.clock.now = due + later_s
        scheduling.scheduler().enqueue_jobs()
    scheduling.backend.refusals.clear()
    scheduling.scheduler().enqueue_jobs()
    assert scheduling.backend.submitted == [f"tick-{due}"]


@pytest.mark.parametrize("error", [JobRefused("there is no task 'x'"), InvalidInput("prompt: missing")])
def test_a_broken_schedule_is_disabled_with_its_reason(scheduling: ScheduleHarness, error: RiderError) -> None:
    due = scheduling.add()
    scheduling.backend.refusals["tick"] = error
    scheduling.clock.now = due + 0.1
    scheduling.scheduler().enqueue_jobs()
    record = scheduling.record()
    assert (record.state, record.problem, record.next_ts) == (ScheduleState.BROKEN, str(error), None)
    scheduling.backend.refusals.clear()
    assert scheduling.schedule_store.resume("tick").state is ScheduleState.ACTIVE
    scheduling.clock.now += 60
    scheduling.scheduler().enqueue_jobs()
    assert len(scheduling.backend.submitted) == 1


def test_what_is_not_a_schedule_is_disabled_and_shown(scheduling: ScheduleHarness) -> None:
    due = scheduling.add(id="broken")
    scheduling.add(id="whole")
    scheduling.connection.hset(protocol.schedule_key("broken"), "schedule", b'{"id": "broken", "task": 7}')
    assert scheduling.record("broken").state is ScheduleState.BROKEN
    scheduling.clock.now = due + 0.1
    scheduling.scheduler().enqueue_jobs()
    assert scheduling.backend.submitted == [f"whole-{due}"]
    assert scheduling.record("broken").next_ts is None
    assert "task" in (scheduling.record("broken").problem or "")


@pytest.mark.parametrize("kind", ["string", "set", "hash", "gone"])
def test_another_kind_of_thing_in_a_schedules_place(scheduling: ScheduleHarness, kind: str) -> None:
    """The others are done, it is shown, and it can be removed."""
    due = scheduling.add(id="broken")
    scheduling.add(id="whole")
    key = protocol.schedule_key("broken")
    scheduling.connection.delete(key)
    if kind == "string":
        scheduling.connection.set(key, "x")
    elif kind == "set":
        scheduling.connection.sadd(key, "x")
    elif kind == "hash":
        scheduling.connection.hset(key, "zażółć", b"\xff")
    scheduling.clock.now = due + 0.1
    scheduling.scheduler().enqueue_jobs()
    assert scheduling.backend.submitted == [f"whole-{due}"]
    shown = {record.id: record.state for record in scheduling.schedule_store.records()}
    assert shown["whole"] is ScheduleState.ACTIVE
    assert shown.get("broken", ScheduleState.BROKEN) is ScheduleState.BROKEN
    scheduling.schedule_store.remove("broken")
    assert [record.id for record in scheduling.schedule_store.records()] == ["whole"]


def test_rq_schedulers_own_ways_to_make_jobs_are_closed(scheduling: ScheduleHarness) -> None:
    with pytest.raises(NotImplementedError, match=r"ScheduleStore\.add"):
        scheduling.scheduler().enqueue_in(timedelta(seconds=1), print)
