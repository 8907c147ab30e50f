"""The audit log: who changed what."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.web.access.audit import Audit
from rider_core.web.rest.blueprint import RestBlueprint


class AuditQuery(Message):
    limit: int = Field(50, ge=1, le=200, description="largest number of entries in the page")
    cursor: int | None = Field(None, ge=1, le=2**31 - 1, description="`next` of the page before")
    target: str | None = Field(None, max_length=256, description="only changes of this path and of those below it")


class EntryView(Message):
    id: int
    ts: float
    who: str = Field(description="a user, `token:ID`, or `local` where nobody has to sign in")
    address: str
    action: str = Field(description="the operation, such as delete_job")
    target: str = Field(description="path of the request")
    status: int = Field(description="of the answer")
    before: Any = Field(description="what it was, where that is known; secrets are left out")
    after: Any = Field(description="the request's body; secrets are left out")


class AuditView(Message):
    entries: tuple[EntryView, ...] = Field(description="the latest first")
    next: int | None = Field(description="cursor of the next page; null: this is the last one")


def audit_blueprint(audit: Audit) -> RestBlueprint:
    """The route."""
    blueprint = RestBlueprint("audit", "Who changed what")

    @blueprint.operation("GET", "", Role.ADMIN, AuditView)
    def list_changes(query: AuditQuery) -> AuditView:
        """Changes, and attempts to sign in"""
        found = audit.entries.entries(query.limit + 1, query.cursor, query.target)
        page = tuple(EntryView.model_validate(vars(entry)) for entry in found[: query.limit])
        return AuditView(entries=page, next=page[-1].id if len(found) > query.limit else None)

    return blueprint
