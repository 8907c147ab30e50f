"""What a test tells its workers: when to die by themselves, or to be told to stop, and how patient to be."""

from __future__ import annotations

from enum import Enum

#: Names how long an engine may work on one question, in seconds; without it, as long as in earnest.
TASK_TIMEOUT = "RIDER_TEST_TASK_TIMEOUT_S"
#: A hurried worker's lease, in seconds: a tenth of what it is in earnest.
LEASE_S = 2
#: A hurried worker misses a broker's ticket that was lost after so many seconds.
OVERDUE_S = 6.0


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
