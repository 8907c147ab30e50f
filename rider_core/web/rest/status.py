"""The state that the page shows, whole."""

from __future__ import annotations

from typing import Any

from pydantic import Field

import rider_core
from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.web.panel_state import PanelState
from rider_core.web.rest.blueprint import RestBlueprint


class StatusView(Message):
    version: str = Field(description="of rider-core")
    revision: int = Field(description="it grows with each change")
    sections: dict[str, Any] = Field(description="what there is one of: Redis, queues, the robot, ...")
    rows: dict[str, tuple[dict[str, Any], ...]] = Field(description="tables: jobs, transcripts, ...; the latest first")


def status_blueprint(panel_state: PanelState) -> RestBlueprint:
    """The route."""
    status = RestBlueprint("status", "The whole at a glance")

    @status.operation("GET", "", Role.READ, StatusView)
    def show_status() -> StatusView:
        """What the panel's page shows now"""
        return StatusView.model_validate({"version": rider_core.__version__, **panel_state.snapshot()})

    return status
