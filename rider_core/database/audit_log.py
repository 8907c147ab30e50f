"""The audit log: who changed what, from where, and what it was before. Bounded; the oldest entries make room."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, func, select

from rider_core.database.database import Database
from rider_core.database.tables import AuditRow

#: Entries that are kept: a change every ten minutes for two months.
KEPT = 10_000
#: Entries after which the table is pruned.
_PRUNE_EVERY = 100
#: Characters of JSON of a value before or after a change; a longer one is left out.
MAX_VALUE = 4_000
MAX_TARGET = 256


@dataclass(frozen=True)
class AuditEntry:
    """A change, or the attempt of one.

    Attributes:
        id: It grows with each entry. 0: not written yet.
        ts: Seconds since the epoch.
        who: A user, `token:ID`, or `local` where nobody has to sign in.
        address: The client's.
        action: The operation, such as `delete_job`.
        target: What was changed: the path of the request.
        status: HTTP status of the answer.
        before: What it was, where that is known.
        after: What it was to be: the request's body, without secrets.
    """

    ts: float
    who: str
    address: str
    action: str
    target: str
    status: int
    before: Any = None
    after: Any = None
    id: int = 0


class AuditLog:
    """Every method raises `DatabaseError` where the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, entry: AuditEntry) -> None:
        """Append an entry. Values that are too long are replaced by their length."""
        values = {name: value for name, value in asdict(entry).items() if name != "id"}
        values |= {
            "target": entry.target[:MAX_TARGET],
            "before": _bounded(entry.before),
            "after": _bounded(entry.after),
        }
        with self._database.session() as session:
            row = AuditRow(**values)
            session.add(row)
            session.flush()
            if row.id % _PRUNE_EVERY == 0:
                session.execute(delete(AuditRow).where(AuditRow.id <= row.id - KEPT))

    def entries(self, limit: int, before_id: int | None = None, target: str | None = None) -> list[AuditEntry]:
        """The latest entries, latest first.

        Args:
            before_id: Only those before the one with that id.
            target: Only changes of this path, and of those below it.
        """
        query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(AuditRow.id < before_id)
        if target is not None:
            query = query.where((AuditRow.target == target) | AuditRow.target.startswith(f"{target}/", autoescape=True))
        names = AuditEntry.__dataclass_fields__
        with self._database.session() as session:
            return [AuditEntry(**{name: getattr(row, name) for name in names}) for row in session.scalars(query)]

    def count(self) -> int:
        with self._database.session() as session:
            return session.scalar(select(func.count()).select_from(AuditRow)) or 0


def _bounded(value: Any) -> Any:
    length = len(json.dumps(value))
    return value if length <= MAX_VALUE else f"({length} characters)"
