"""The job engine: the job store in Redis, its transports, and schedules.

Other packages import from here and from `rider_core.jobs.schedules`; only `runtime`, which opens the engine, and tests
know its inside.
"""

from rider_core.jobs.backend import RedisJobBackend
from rider_core.jobs.consumer import JobConsumer
from rider_core.jobs.leased_job import NOT_STARTED, AttemptResult, LeasedJob, Outcome
from rider_core.jobs.store.batch_chunks import BatchChunk
from rider_core.jobs.store.keys import lanes_of
from rider_core.jobs.store.old_keys import remove_old_keys
from rider_core.jobs.store.spec_codec import MAX_JOB_BYTES, spec_from_data
from rider_core.jobs.timings import DEFAULT_TIMINGS, JobTimings

__all__ = [
    "DEFAULT_TIMINGS",
    "MAX_JOB_BYTES",
    "NOT_STARTED",
    "AttemptResult",
    "BatchChunk",
    "JobConsumer",
    "JobTimings",
    "LeasedJob",
    "Outcome",
    "RedisJobBackend",
    "lanes_of",
    "remove_old_keys",
    "spec_from_data",
]
