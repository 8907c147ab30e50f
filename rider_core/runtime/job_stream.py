"""Follows one job to its end: its partial results as they are made, then its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rider_core.api.events import FINAL_KINDS
from rider_core.api.job_backend import JobBackend
from rider_core.api.jobs import JobRecord
from rider_core.errors import JobFailed, WaitTimeout
from rider_core.eventbus import EventBus
from rider_core.eventbus.bus import READ_COUNT

#: Maximum wait for the record after the job's last event, in seconds. The job engine writes the record first.
RECORD_WITHIN_S = 5.0


def follow_job(
    bus: EventBus,
    backend: JobBackend,
    job_id: str,
    silence_s: float,
    *,
    read_count: int = READ_COUNT,
    on_idle: Callable[[], None] | None = None,
) -> Iterator[dict[str, Any] | JobRecord]:
    """Yield the data of each partial result of a job submitted with `stream=True`, in order, and last its record.

    The record may be that of a job which failed: `JobRecord.value` raises what happened. The pieces of a failed attempt
    are followed by those of the next one, which begin again at `seq` 0.

    Args:
        silence_s: Maximum time without an event, in seconds.
        read_count: Events that are read into memory together.
        on_idle: Called at least once a second while no event comes; what it raises ends the iteration.

    Raises:
        JobFailed: a partial result was trimmed from the stream before it was read (cause "dropped").
        WaitTimeout: no event came for `silence_s` seconds.
        BackendUnavailable: Redis cannot be reached.
    """
    expected = 0
    for event in bus.follow(job_id, silence_s, read_count=read_count, on_idle=on_idle):
        if event.kind == "job.partial":
            if event.data.get("seq") != expected:
                raise JobFailed(
                    f"piece {expected} of job {job_id} was dropped before it was read",
                    cause="dropped",
                    remedy="read faster, or ask for less at a time",
                )
            expected += 1
            yield event.data
        elif event.kind == "job.retried":
            expected = 0
        elif event.kind in FINAL_KINDS:
            yield backend.wait(job_id, RECORD_WITHIN_S)
            return
    raise WaitTimeout(f"job {job_id} had no event for {silence_s:g} s")
