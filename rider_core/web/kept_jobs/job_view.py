"""A job as the panel shows it: its record, what was submitted, its sound or picture, and its way through the link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from rider_core.api.events import Event
from rider_core.api.jobs import JobDetails, JobRecord
from rider_core.api.messages import Message
from rider_core.web import untrusted
from rider_core.web.kept_jobs.media import MediaKind

#: Characters of a string in a payload that are shown; a second of sound has 43,000.
MAX_SHOWN = 2_000
#: Maximum age of a picture at its submission, in seconds. An older `captured_ts` is not the time of arrival.
MAX_BEFORE_S = 60.0


class LinkTimes(Message):
    """When a job's sound or result passed the link, by the link's clock: that of the robot may be wrong.

    All are seconds since the epoch; null: unknown, or there was no such moment.
    """

    captured_ts: float | None = Field(
        None, description="the speech began, as its first samples reached the link; of a picture: it reached the link"
    )
    speech_ended_ts: float | None = Field(None, description="the speech ended")
    heard_ts: float | None = Field(None, description="the link knew that the speech had ended")
    delivered_ts: float | None = Field(None, description="the result was sent to the robot; of speech its first sound")

    @classmethod
    def of_event(cls, event: Event) -> LinkTimes:
        """Out of an event of the link."""
        return cls(**{name: untrusted.number(event.data, name) for name in cls.model_fields})

    @classmethod
    def of_picture(cls, details: JobDetails) -> LinkTimes:
        """The time of arrival in the payload of a picture's job; empty where it is implausible."""
        captured_ts = untrusted.number(details.payload, "captured_ts")
        if captured_ts is None or not 0 <= details.record.submitted_ts - captured_ts <= MAX_BEFORE_S:
            return cls()  # a submitted file may have any time
        return cls(captured_ts=captured_ts)

    def __bool__(self) -> bool:
        return any(value is not None for _, value in self)


class JobView(Message):
    """A job with what was submitted."""

    job: JobRecord
    payload: dict[str, Any] | None = Field(
        description="as submitted, long strings shortened; of a batch the first one; None: it is not kept any more"
    )
    shortened: bool = Field(description="whether a string of the payload was shortened")
    traceback: str = Field(description="of the last attempt, where the provider raised")
    media: tuple[MediaKind, ...] = Field((), description="what `GET /jobs/ID/media/KIND` has of it")
    times: LinkTimes = Field(default_factory=LinkTimes, description="its way from and to the robot")
    kept: bool = Field(False, description="Redis has forgotten the job: this is what the panel has kept of it")


def view_of(details: JobDetails, without: str = "") -> JobView:
    """A job's view, without media, and without the times of a conversation.

    Args:
        without: A field of the payload that is left out.
    """
    payload = {name: value for name, value in details.payload.items() if name != without}
    shown = _shown(payload) if details.spec is not None else None
    return JobView(
        job=details.record,
        payload=shown,
        shortened=shown is not None and shown != payload,
        traceback=details.traceback,
        times=LinkTimes.of_picture(details),
    )


def _shown(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _shortened(value) for name, value in payload.items()}


def _shortened(value: Any) -> Any:
    """`value`, the strings in it shortened."""
    if isinstance(value, str):
        left_out = len(value) - MAX_SHOWN
        return value if left_out <= 0 else f"{value[:MAX_SHOWN]}… ({left_out} more characters)"
    if isinstance(value, Mapping):
        return _shown(value)
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    return value
