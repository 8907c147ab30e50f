"""Types of parameters that several resources take, and what more than one of them needs to answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.functional_validators import AfterValidator

from rider_core.api.jobs import ID_PATTERN
from rider_core.api.messages import Message
from rider_core.api.tasks import QUEUES, TASKS
from rider_core.web.rest.problems import ChangedMeanwhile


def _one_of(choices: Mapping[str, Any] | tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return value

    return AfterValidator(check)


QueueName = Annotated[str, _one_of(QUEUES), Field(json_schema_extra={"enum": list(QUEUES)})]
TaskName = Annotated[str, _one_of(TASKS), Field(json_schema_extra={"enum": list(TASKS)})]


class JobPath(Message):
    job_id: str = Field(pattern=ID_PATTERN, description="the job's id")


class QueuePath(Message):
    queue: QueueName


class IfUnchanged(BaseModel):
    """The header of a change to something that the client has seen. Others are ignored."""

    model_config = ConfigDict(frozen=True)

    if_match: str | None = Field(
        None, alias="If-Match", max_length=200, description="change only what still has this ETag"
    )


class IfNew(BaseModel):
    """The header of a request that is to create something. Others are ignored."""

    model_config = ConfigDict(frozen=True)

    if_none_match: Literal["*"] | None = Field(
        None, alias="If-None-Match", description="`*`: create, and replace nothing"
    )


def etag_of(content: Any) -> str:
    """The ETag of JSON content."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def check_etag(conditions: IfUnchanged, etag: str) -> None:
    """Raise `ChangedMeanwhile` where the client has seen another state than the current one."""
    seen = conditions.if_match
    if seen is not None and seen != "*" and etag not in [each.strip() for each in seen.split(",")]:
        raise ChangedMeanwhile(
            f"it has ETag {etag} now, and not {seen[:80]}", remedy="get it again, and repeat the change on that"
        )
