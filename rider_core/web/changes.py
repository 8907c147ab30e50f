"""Tells every open page what somebody has changed through the REST interface, so that each reads it again."""

from __future__ import annotations

import threading

from flask import Flask, Response, request

from rider_core.web.access.needed_roles import SAFE_METHODS
from rider_core.web.panel_state import PanelState
from rider_core.web.rest.blueprint import ROOT

#: The panel state's section: for each resource the number of its changes since the panel's start.
SECTION = "changes"
_PREFIX = f"{ROOT}/"
#: Nobody else sees a session.
_PRIVATE = frozenset({"session"})


def announce_changes(app: Flask, panel_state: PanelState) -> None:
    """Count each change that succeeded."""
    lock = threading.Lock()
    counts: dict[str, int] = {}

    @app.after_request
    def count(response: Response) -> Response:
        is_change = request.method not in SAFE_METHODS and response.status_code < 400 and request.endpoint is not None
        if not is_change or not request.path.startswith(_PREFIX):
            return response
        resource = request.path.removeprefix(_PREFIX).partition("/")[0]
        if resource not in _PRIVATE:
            with lock:
                counts[resource] = counts.get(resource, 0) + 1
                panel_state.set_section(SECTION, dict(counts))
        return response
