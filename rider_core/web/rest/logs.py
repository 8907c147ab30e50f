"""What the processes have logged, also those on other machines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.runtime.log_stream import LogLine, read_logs
from rider_core.runtime.services import Services
from rider_core.web.rest.blueprint import RestBlueprint

LEVELS = ("debug", "info", "warning", "error", "critical")
_ID = r"^\d{1,20}-\d{1,20}$"


class LogsQuery(Message):
    process: str | None = Field(None, max_length=64, description="lines of this process")
    level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        "debug", description="of this level or above"
    )
    search: str = Field("", max_length=200, description="text in the message, or the trace id")
    limit: int = Field(200, ge=1, le=1_000, description="largest number of lines")
    cursor: str | None = Field(None, pattern=_ID, description="`next` of the page before")
    after: str | None = Field(None, pattern=_ID, description="id of a line: only newer ones")

    def selects(self, line: LogLine) -> bool:
        """Whether the filters let this line through."""
        level = LEVELS.index(line.level) if line.level in LEVELS else 0
        wanted = self.search.lower()
        return (
            self.process in (None, line.process)
            and level >= LEVELS.index(self.level)
            and (not wanted or wanted in line.message.lower() or wanted == line.trace_id)
        )


class LogsView(Message):
    lines: tuple[LogLine, ...] = Field(description="the latest first")
    next: str | None = Field(description="cursor of the lines before; null: there are none")


def logs_blueprint(services: Services) -> RestBlueprint:
    """The route."""
    logs = RestBlueprint("logs", "What the processes have logged")

    @logs.operation("GET", "", Role.OPERATE, LogsView)
    def list_lines(query: LogsQuery) -> LogsView:
        """The last log lines of all processes"""
        lines, before = read_logs(services.redis, query.selects, query.limit, query.cursor or "", query.after or "")
        return LogsView(lines=tuple(lines), next=before)

    return logs
