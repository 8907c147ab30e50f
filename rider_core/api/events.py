"""Events of the event bus: a common stream, and one for each job with `JobSpec.stream`.

Events are for display and forwarding; the authoritative state of a job is its record in the job backend.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rider_core.api.messages import Message

#: The common Redis stream, and its length in entries. Events of one step of the job engine share an entry, up to
#: `EVENTS_TOGETHER` of them.
HOUSE_STREAM = "rider:events"
HOUSE_STREAM_LENGTH = 2_000
EVENTS_TOGETHER = 16
#: A job's own stream: its length in entries, and its lifetime in seconds after the last entry or the last read.
JOB_STREAM_LENGTH = 4_096
JOB_STREAM_TTL_S = 120

EventKind = Literal[
    "job.accepted",
    "job.started",
    "job.retried",
    "job.requeued",
    "job.done",
    "job.failed",
    "job.expired",
    "job.cancelled",
    "job.replaced",
    "job.partial",
    "job.progress",
    "robot.transcript",
    "robot.speech",
    "robot.reply",
    "robot.object",
    "robot.link",
    "robot.domain",
    "robot.refused",
    "process.status",
]

#: The kinds that end a job's own stream.
FINAL_KINDS = frozenset({"job.done", "job.failed", "job.expired", "job.cancelled", "job.replaced"})


def job_stream(job_id: str) -> str:
    """Redis key of a job's own stream."""
    return f"rider:job:{job_id}:events"


class Event(Message):
    """One event."""

    kind: EventKind = Field(description="what happened")
    ts: float = Field(description="when, in seconds since the epoch")
    source: str = Field("", max_length=64, description="the process that published it")
    job_id: str | None = Field(None, description="the job concerned, if any")
    data: dict[str, Any] = Field(default_factory=dict, description="depends on the kind")
