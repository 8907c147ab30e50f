"""Schedules: one job for each due time."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "seven to seven is every hour",
        "rider_core/jobs/schedules/times.py",
        "croniter(_with_single_values(expression), _EPOCH)",
        "croniter(expression, _EPOCH)",
        ("tests/jobs/test_schedule_times.py", "a_range_from_a_value"),
    ),
    Mutant(
        "every scheduler makes the job of a due time",
        "rider_core/jobs/schedules/scheduler.py",
        "        if submission is Submission.GONE:\n            return\n",
        "",
        ("tests/jobs/test_schedules.py", "two_are_busy or what_was_changed or killed or repeat"),
    ),
    Mutant(
        "a job is made that was perhaps made already",
        "rider_core/jobs/schedules/scheduler.py",
        "if submission is Submission.UNKNOWN:",
        "if False:",
        (
            "tests/jobs/test_schedules.py",
            "test_nothing_is_repeated_that_the_backend_may_have_forgotten or does_not_repeat_it",
        ),
    ),
    Mutant(
        "every due time that was missed makes a job",
        "rider_core/jobs/schedules/plan.py",
        "if late_s > MISSED_AFTER_S and (latest",
        "if False and (latest",
        ("tests/jobs/test_schedule_faults.py", "test_what_was_missed_for_long_is_one_job"),
    ),
    Mutant(
        "a schedule that skips what was missed makes up for it",
        "rider_core/jobs/schedules/plan.py",
        "too_late = late_s > MISSED_AFTER_S and schedule.missed is Missed.SKIP",
        "too_late = False",
        ("tests/jobs/test_schedule_faults.py", "test_a_schedule_says_whether_it_catches_up"),
    ),
    Mutant(
        "a job is made that expires at once",
        "rider_core/jobs/schedules/plan.py",
        "expired = schedule.deadline_s is not None and late_s >= schedule.deadline_s",
        "expired = False",
        ("tests/jobs/test_schedule_faults.py", "test_no_job_is_made_that_would_expire_at_once"),
    ),
    Mutant(
        "a backend that refuses is asked again without back-off",
        "rider_core/jobs/schedules/backoff.py",
        "return [key for key in due if key not in self._delays or self._delays[key].until <= now]",
        "return list(due)",
        ("tests/jobs/test_schedule_faults.py", "test_a_backend_that_refuses_is_asked_again_and_others_go_on"),
    ),
    Mutant(
        "a due time is lost while the queue is full",
        "rider_core/jobs/schedules/scheduler.py",
        "            if submission is Submission.FIRST:\n                self._due_store.refused(job)\n",
        "",
        ("tests/jobs/test_schedule_faults.py", "test_a_due_time_is_kept_while_the_queue_is_full_for_long"),
    ),
    Mutant(
        "a broken schedule stops the others",
        "rider_core/jobs/schedules/scheduler.py",
        "            if not self._due_store.disable(job, str(error)):\n",
        "            if True:\n",
        ("tests/jobs/test_schedule_faults.py", "test_a_broken_schedule_is_disabled_with_its_reason"),
    ),
    Mutant(
        "there may be any number of schedules",
        "rider_core/jobs/schedules/schedule_store.py",
        "        if stored == protocol.TOO_MANY:\n",
        "        if False:\n",
        ("tests/jobs/test_schedules.py", "test_too_much_is_refused"),
    ),
    Mutant(
        "a schedule may be of any size",
        "rider_core/jobs/schedules/schedule_store.py",
        "if len(data) > MAX_SCHEDULE_BYTES:",
        "if False:",
        ("tests/jobs/test_schedules.py", "test_too_much_is_refused"),
    ),
    Mutant(
        "after the clock was set back no interval comes for hours",
        "rider_core/jobs/schedules/times.py",
        "return self.after(now) if due - now > self._every_s else due",
        "return due",
        ("tests/jobs/test_schedule_clock.py", "test_an_interval_comes_within"),
    ),
    Mutant(
        "after the clock was set back no time of day comes for hours",
        "rider_core/jobs/schedules/times.py",
        "return self.after(now) if due > self.after(known) else due",
        "return due",
        ("tests/jobs/test_schedule_clock.py", "test_a_time_of_day_comes"),
    ),
    Mutant(
        "after the clock was set back an interval's job counts as done",
        "rider_core/jobs/schedules/scheduler.py",
        "schedule = schedule.begun_anew(int(now))",
        "pass",
        ("tests/jobs/test_schedule_clock.py", "test_no_interval_is_lost"),
    ),
    Mutant(
        "a key of another type in a schedule's place blocks all others",
        "rider_core/jobs/schedules/due_store.py",
        "pipeline.execute(raise_on_error=False)",
        "pipeline.execute()",
        ("tests/jobs/test_schedule_faults.py", "test_another_kind_of_thing"),
    ),
    Mutant(
        "after the clock was set back the scheduler seems dead",
        "rider_core/jobs/schedules/scheduler.py",
        " and watch.elapsed_s < BEAT_S",
        "",
        ("tests/jobs/test_schedule_clock.py", "test_it_says_that_it_lives"),
    ),
]
