"""Jobs that come again: schedules in Redis, and the scheduler that hands their jobs to whichever backend is configured.

Any number of schedulers may run: nothing but an atomic step in Redis decides. See docs/decisions/0014-schedules.md.
"""

from rider_core.jobs.schedules.agenda import Agenda
from rider_core.jobs.schedules.book import ScheduleBook
from rider_core.jobs.schedules.scheduler import Scheduler
from rider_core.jobs.schedules.times import DueTimes, due_times

__all__ = ["Agenda", "DueTimes", "ScheduleBook", "Scheduler", "due_times"]
