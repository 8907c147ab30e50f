"""The health of a provider, a plugin's check or a process."""

from __future__ import annotations

from enum import Enum

from pydantic import BaseModel, ConfigDict, Field


class HealthStatus(str, Enum):
    OK = "ok"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


class Health(BaseModel):
    """The result of a health check."""

    model_config = ConfigDict(frozen=True)

    status: HealthStatus = Field(description="ok, degraded (works, with a reservation) or unavailable")
    reason: str = Field("", description="why it is not ok, for people")
    remedy: str | None = Field(None, description="how to repair it, where possible a command")

    @classmethod
    def ok(cls, reason: str = "") -> Health:
        return cls(status=HealthStatus.OK, reason=reason)

    @classmethod
    def degraded(cls, reason: str, remedy: str | None = None) -> Health:
        return cls(status=HealthStatus.DEGRADED, reason=reason, remedy=remedy)

    @classmethod
    def unavailable(cls, reason: str, remedy: str | None = None) -> Health:
        return cls(status=HealthStatus.UNAVAILABLE, reason=reason, remedy=remedy)
