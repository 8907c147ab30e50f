"""Tells every open page what has changed on the REST interface, so that each reads it again."""

from __future__ import annotations

import threading

from flask import Flask, Response, request

from rider_core.web.access.needed_roles import SAFE_METHODS
from rider_core.web.panel_state import PanelState
from rider_core.web.rest.blueprint import ROOT

#: The panel state's section: for each resource the number of its changes since the panel's start.
SECTION = "changes"
_PREFIX = f"{ROOT}/"
#: The resource of the audit log: each change adds an entry.
_LOG = "audit"
#: Nobody else sees a session.
_PRIVATE = frozenset({"session"})


class Changes:
    """Counts the changes of each resource. From any thread."""

    def __init__(self, panel_state: PanelState) -> None:
        self._panel_state = panel_state
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def count(self, *resources: str) -> None:
        """Count one change of each of these resources."""
        with self._lock:
            for resource in resources:
                self._counts[resource] = self._counts.get(resource, 0) + 1
            self._panel_state.set_section(SECTION, dict(self._counts))


def announce_changes(app: Flask, changes: Changes) -> None:
    """Count each change by a request that succeeded."""

    @app.after_request
    def count(response: Response) -> Response:
        is_change = request.method not in SAFE_METHODS and response.status_code < 400 and request.endpoint is not None
        if not is_change or not request.path.startswith(_PREFIX):
            return response
        resource = request.path.removeprefix(_PREFIX).partition("/")[0]
        if resource not in _PRIVATE:
            changes.count(resource, _LOG)
        return response
