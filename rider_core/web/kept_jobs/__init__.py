"""What the panel keeps of ended jobs on its disk, so that people can look at them when Redis has forgotten them.

The panel's process writes, and no other: it learns of every job by the event bus, on whatever machine the submitter and
the worker run, and people look at jobs through it. So the job engine pays nothing, one process holds the limits, and
where no panel runs nothing is kept. The price: a payload of more than 16 kB is lost where the job ends before the panel
has read it, and what happens while the panel is away is kept only for as long as Redis keeps it.
"""

from rider_core.web.kept_jobs.job_view import JobView
from rider_core.web.kept_jobs.keeper import JobKeeper
from rider_core.web.kept_jobs.media import MediaKind

__all__ = ["JobKeeper", "JobView", "MediaKind"]
