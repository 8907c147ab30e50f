"""The time limits of the job engine, in one object, which a backend passes to its consumers.

Tests pass shorter ones, so that a lease that must run out does so in a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from rider_core.api.tasks import TASKS


@dataclass(frozen=True, slots=True)
class JobTimings:
    """Durations in seconds.

    Attributes:
        lease_s: A job returns to its queue this long after the last heartbeat of its worker. Four heartbeats fit into
            a lease, so three may fail before a job is taken from a living worker; and the job of a killed worker is
            back within 30 s, the next worker's round included.
        heartbeat_s: Interval at which a worker extends its leases and reaps those of dead workers.
        worker_alive_s: A worker counts as dead when its last heartbeat is this old: three of them were missed.
        wait_recheck_s: Interval at which `wait` looks at the job itself: pub/sub, which usually ends the wait, loses
            messages with the connection.
        unpublished_check_s: A worker that has been idle for this long asks the job store for jobs that the broker has
            not delivered.
        unpublished_s: Such a job is published again when its last publication is this old: while workers are idle, no
            message stays in the broker for that time.
        engine_limit_s: A worker ends itself when one call of its engine takes longer: the engine hangs. The longest
            `timeout_s` of all tasks.
    """

    lease_s: float = 20.0
    heartbeat_s: float = 5.0
    worker_alive_s: float = 15.0
    wait_recheck_s: float = 1.0
    unpublished_check_s: float = 10.0
    unpublished_s: float = 60.0
    engine_limit_s: float = max(task.timeout_s for task in TASKS.values())


#: What every process of Rider-PC uses.
DEFAULT_TIMINGS = JobTimings()
