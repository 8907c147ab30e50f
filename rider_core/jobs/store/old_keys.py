"""Removes the keys of version 0.1 that are not read any more."""

from __future__ import annotations

import redis

from rider_core.api.tasks import TASKS

_OLD_KEYS = ("rider:answers", "rider:schedules:bell", *[f"rider:figures:{task}" for task in (*TASKS, "unknown")])


def remove_old_keys(connection: redis.Redis) -> str:
    """Remove the counters of version 0.1. Returns a message for the log; empty: there were none.

    Jobs of that version have another form of metadata. Those that wait are run as jobs of RQ's own tools are: once,
    without a deadline, and counted as `unknown`.
    """
    if not connection.unlink(*_OLD_KEYS):
        return ""
    return (
        "this Redis was used by Rider-PC 0.1: its counters are removed, and its waiting jobs are run without retries "
        "and without deadlines"
    )
