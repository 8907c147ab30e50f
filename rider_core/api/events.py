"""What is said on the event bus. One stream for the whole house, and one for each job that wants it (`JobSpec.stream`).

Events are for showing and forwarding; the truth about a job is its record in the job backend.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rider_core.api.messages import Message

#: Redis stream of the whole house, and how many entries it keeps. What happens to several jobs in one step of the job
#: engine is told in one entry, up to so many events.
HOUSE_STREAM = "rider:events"
HOUSE_STREAM_LENGTH = 2_000
EVENTS_TOGETHER = 16
#: A job's own stream: how many entries it keeps, and how long after the last entry, or the last look of a follower.
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

#: The kinds after which nothing more comes in a job's own stream.
FINAL_KINDS = frozenset({"job.done", "job.failed", "job.expired", "job.cancelled", "job.replaced"})


def job_stream(job_id: str) -> str:
    """Redis key of a job's own stream."""
    return f"rider:job:{job_id}:events"


class Event(Message):
    """One thing that happened."""

    kind: EventKind = Field(description="what happened")
    ts: float = Field(description="when, in seconds since the epoch")
    source: str = Field("", max_length=64, description="the process that says it")
    job_id: str | None = Field(None, description="the job that it is about, if any")
    data: dict[str, Any] = Field(default_factory=dict, description="depends on the kind")
