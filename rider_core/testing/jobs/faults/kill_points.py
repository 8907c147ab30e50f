"""Options of the fault tests' workers: the point at which they are killed or stopped, and short timings."""

from __future__ import annotations

from enum import Enum

from rider_core.jobs import JobTimings

#: Environment variable with the time limit of a task, in seconds; without it, that of `TASKS`.
TASK_TIMEOUT = "RIDER_TEST_TASK_TIMEOUT_S"
#: A tenth of the lease of `DEFAULT_TIMINGS`, with the same number of heartbeats in it.
FAST_TIMINGS = JobTimings(lease_s=2.0, heartbeat_s=0.5, worker_alive_s=3.0, unpublished_check_s=1.0, unpublished_s=6.0)


class KillPoint(str, Enum):
    """Where the worker is killed (SIGKILL) or stopped."""

    NEVER = "never"
    #: After it dequeued a job, before it calls the engine.
    TAKEN = "taken"
    #: After the engine's answer, before the result is stored.
    ANSWERED = "answered"
    #: After the result is stored. With RQ's lists the next jobs are dequeued, too; a broker still waits for the ack.
    COMMITTED = "committed"
    #: Stopped (SIGTERM) after it dequeued several jobs, before it starts any.
    STOPPED_BETWEEN = "stopped-between"
    #: Stopped, with a slow shutdown.
    SLOW_CLOSE = "slow-close"
