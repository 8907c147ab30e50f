"""Schedules where the machine's clock is set back or forward."""

from __future__ import annotations

import threading

import pytest
from schedule_harness import ScheduleHarness

from rider_core.jobs.schedules import scheduler as scheduler_module
from rider_core.timing import Stopwatch

# When the machine's clock is set


def test_an_interval_comes_within_its_time_though_the_clock_was_set_back(scheduling: ScheduleHarness) -> None:
    due = scheduling.add(every_s=60)
    scheduler = scheduling.scheduler()
    scheduling.clock.now = due + 0.1
    scheduler.run(burst=True)
    scheduling.clock.now -= 7_200
    now = scheduling.clock.now
    scheduler.run(burst=True)
    next_ts = scheduling.record().next_ts
    assert next_ts is not None
    assert now < next_ts <= now + 60
    scheduling.clock.now = next_ts + 0.1
    scheduler.run(burst=True)
    assert scheduling.backend.submitted == [f"tick-{due}", f"tick-{next_ts}"]


def test_and_where_it_was_set_back_while_no_scheduler_ran(scheduling: ScheduleHarness) -> None:
    scheduling.add(every_s=60)
    scheduling.clock.now -= 7_200
    scheduling.scheduler().run(burst=True)
    assert (scheduling.record().next_ts or 0) <= scheduling.clock.now + 60


def test_a_day_forward_is_one_job(scheduling: ScheduleHarness) -> None:
    due = scheduling.add(every_s=60)
    scheduler = scheduling.scheduler()
    scheduling.clock.now = due + 0.1
    scheduler.run(burst=True)
    scheduling.clock.now += 86_400
    scheduler.run(burst=True)
    assert len(scheduling.backend.submitted) == 2
    assert (scheduling.record().next_ts or 0) <= scheduling.clock.now + 60


def test_it_says_that_it_lives_though_the_clock_was_set_back(
    scheduling: ScheduleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "BEAT_S", 0.5)
    scheduler = scheduling.scheduler()
    threading.Timer(0.2, lambda: setattr(scheduling.clock, "now", scheduling.clock.now - 7_200)).start()
    watch = Stopwatch.start()
    scheduler._wait()
    assert 0.4 < watch.elapsed_s < 3


@pytest.mark.parametrize("back_s", [90, 300])
def test_no_interval_is_lost_however_often_it_was_set_back(scheduling: ScheduleHarness, back_s: int) -> None:
    """The old times come again; their jobs are others than those that were done at them."""
    scheduling.clock.now = scheduling.add(every_s=60) + 0.1
    scheduler = scheduling.scheduler()
    for number in range(1, 21):
        scheduler.run(burst=True)
        assert scheduling.jobs() == number
        scheduling.clock.now -= back_s
        scheduler.run(burst=True)
        scheduling.clock.now += 60


@pytest.mark.parametrize(
    ("cron", "back_s", "within_s"),
    [("*/5 * * * *", 7_200, 300), ("0 */6 * * *", 40 * 86_400, 6 * 3_600), ("30 7 * * *", 400 * 86_400, 86_400)],
)
def test_a_time_of_day_comes_though_the_clock_was_far_ahead(
    scheduling: ScheduleHarness, cron: str, back_s: int, within_s: int
) -> None:
    due = scheduling.add(cron=cron)
    scheduler = scheduling.scheduler()
    scheduling.clock.now = due + 0.1
    scheduler.run(burst=True)
    scheduling.clock.now -= back_s
    scheduler.run(burst=True)
    assert (scheduling.record().next_ts or 0) <= scheduling.clock.now + within_s


def test_a_time_of_day_does_not_come_twice_for_a_step_back(scheduling: ScheduleHarness) -> None:
    due = scheduling.add(cron="30 7 * * *")
    scheduler = scheduling.scheduler()
    scheduling.clock.now = due + 0.1
    scheduler.run(burst=True)
    scheduling.clock.now -= 7_200
    scheduler.run(burst=True)
    assert scheduling.record().next_ts == due + 86_400
