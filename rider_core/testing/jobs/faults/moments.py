"""What a test tells its workers: when to die by themselves, or to be told to stop, and how patient to be."""

from __future__ import annotations

from enum import Enum

from rider_core.jobs import JobTimings

#: Names how long an engine may work on one question, in seconds; without it, as long as in earnest.
TASK_TIMEOUT = "RIDER_TEST_TASK_TIMEOUT_S"
#: A tenth of the lease of `DEFAULT_TIMINGS`, and as many heartbeats in it.
FAST_TIMINGS = JobTimings(lease_s=2.0, heartbeat_s=0.5, worker_alive_s=3.0, unpublished_check_s=1.0, unpublished_s=6.0)


class Moment(str, Enum):
    """When the worker dies."""

    NEVER = "never"
    #: It has taken a job, and asked no engine yet.
    TAKEN = "taken"
    #: The engine has answered; nobody knows.
    ANSWERED = "answered"
    #: The answer is in the ledger. With RQ's lists the next jobs are taken, too; a broker still waits for the ticket.
    COMMITTED = "committed"
    #: Not dead, but told to stop (SIGTERM), when it has taken jobs together and begun none.
    STOPPED_BETWEEN = "stopped-between"
    #: Not dead either: told to stop, it takes long to close what it has open.
    SLOW_FAREWELL = "slow-farewell"
