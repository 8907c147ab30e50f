"""Writes each change that somebody makes through the panel into the audit log."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request

from rider_core.config.shown import shown_value
from rider_core.errors import DatabaseError
from rider_core.metrics import REFUSED
from rider_core.printable import printable
from rider_core.runtime.services import Services
from rider_core.web.access.identity import identity_of
from rider_core.web.access.needed_roles import SAFE_METHODS
from rider_core.web.serving.addresses import client_at

if TYPE_CHECKING:
    from rider_core.database.audit_log import AuditLog

log = logging.getLogger(__name__)

_PREFIX = "/api/v1/"
#: Jobs have a history of their own: ten a second would push the changes out of the log within minutes.
NOT_RECORDED = frozenset({"submit_job", "submit_batch"})
#: Characters of a string in a recorded value: a job's sound is not kept here.
MAX_STRING = 200


class Audit:
    """The audit log of this panel. SQLAlchemy is loaded at the first change."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def entries(self) -> AuditLog:
        """The log itself, to read."""
        log_type: type[AuditLog] = import_module("rider_core.database.audit_log").AuditLog
        return log_type(self._services.database)

    def write(self, who: str, action: str, status: int, before: Any = None, after: Any = None) -> None:
        """Write about the current request. A database that cannot be used is logged, and stops nothing."""
        entry_type = import_module("rider_core.database.audit_log").AuditEntry
        entry = entry_type(
            ts=time.time(),
            who=printable(who)[:64],
            address=client_at(str(request.environ.get("REMOTE_ADDR", "")))[:64],
            action=action,
            target=printable(request.path),
            status=status,
            before=_recorded(before),
            after=_recorded(after),
        )
        try:
            self.entries.write(entry)
        except DatabaseError as error:
            REFUSED.labels("web", "audit").inc()
            log.error("%s of %s by %s is not in the audit log: %s", action, entry.target, entry.who, error)


def changes(before: Any, after: Any = None) -> None:
    """Tell what the current request is about to change, for the audit log; without `after` its body says to what."""
    g.rider_was, g.rider_becomes = before, after


def acts_as(who: str) -> None:
    """Tell on whose behalf the current request comes, where its identity does not say it: somebody signs in."""
    g.rider_who = who


def record_changes(app: Flask, audit: Audit) -> None:
    """Record every change that succeeded, but new jobs, and every attempt to sign in that was checked."""

    @app.after_request
    def record(response: Response) -> Response:
        if request.method in SAFE_METHODS or not request.path.startswith(_PREFIX) or request.endpoint is None:
            return response
        signs_in = "rider_who" in g
        who = g.get("rider_who") or identity_of(request.environ).name
        action = request.endpoint.rpartition(".")[2]
        # Who has no name has not signed in, and changes nothing.
        if who and action not in NOT_RECORDED and (response.status_code < 400 or signs_in):
            becomes = g.get("rider_becomes")
            if becomes is None and not signs_in:
                becomes = request.get_json(silent=True)
            audit.write(who, action, response.status_code, g.get("rider_was"), becomes)
        return response


def _recorded(value: Any) -> Any:
    """A value without secrets, its strings shortened."""
    return _shortened(shown_value(value))


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_STRING else f"{value[:MAX_STRING]}… ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {str(key)[:MAX_STRING]: _shortened(it) for key, it in value.items()}
    if isinstance(value, list):
        return [_shortened(it) for it in value]
    return value
