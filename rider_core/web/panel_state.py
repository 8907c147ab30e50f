"""The state that the panel shows: bounded tables and sections in memory, each with the revision of its last change.

A browser that has seen revision n gets everything newer than n: a slow browser misses intermediate values but no
current one, and nothing is queued for it. `events.py` applies events to the state.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Rows that each table keeps: as many as fit on the page, and ten minutes of the chart.
TABLE_LIMITS = {"jobs": 60, "transcripts": 60, "speech": 40, "refused": 20, "activity": 121}

Row = dict[str, Any]


@dataclass
class _Entry:
    value: Any
    revision: int
    rank: float = 0.0


class PanelState:
    """Sections and tables with revisions. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision = 0
        self._sections: dict[str, _Entry] = {}
        self._tables: dict[str, dict[str, _Entry]] = {name: {} for name in TABLE_LIMITS}
        #: Called after each change, in the thread that made the change.
        self.on_change: Callable[[], None] = lambda: None

    @property
    def revision(self) -> int:
        return self._revision

    def section(self, name: str) -> Any:
        """The section's value. Not a copy: leave it unchanged."""
        with self._lock:
            entry = self._sections.get(name)
            return entry.value if entry else None

    def set_section(self, name: str, value: Any) -> None:
        """Replace a section. An equal value does not count as a change."""
        with self._lock:
            entry = self._sections.get(name)
            if entry is not None and entry.value == value:
                return
            self._revision += 1
            self._sections[name] = _Entry(value, self._revision)
        self.on_change()

    def row(self, table: str, key: str) -> Row | None:
        """A row's value. Not a copy: leave it unchanged."""
        with self._lock:
            entry = self._tables[table].get(key)
            return entry.value if entry else None

    def row_where(self, table: str, field: str, value: str) -> Row | None:
        """A row with that value in the field; None: there is none. Not a copy, as in `row`."""
        with self._lock:
            return next((it.value for it in self._tables[table].values() if it.value.get(field) == value), None)

    def put(self, table: str, key: str, row: Row, rank: float) -> None:
        """Add or replace a row. If the table is full, the row with the lowest rank is removed."""
        with self._lock:
            rows = self._tables[table]
            self._revision += 1
            rows[key] = _Entry({**row, "key": key, "rank": rank}, self._revision, rank)
            while len(rows) > TABLE_LIMITS[table]:
                del rows[min(rows, key=lambda each: rows[each].rank)]
        self.on_change()

    def since(self, revision: int) -> dict[str, Any]:
        """What changed after `revision`: whole sections, and single rows by descending rank. 0: everything."""
        with self._lock:
            return {
                "revision": self._revision,
                "sections": {name: it.value for name, it in self._sections.items() if it.revision > revision},
                "rows": {
                    table: changed
                    for table, rows in self._tables.items()
                    if (changed := [it.value for it in _ranked(rows) if it.revision > revision])
                },
            }

    def snapshot(self) -> dict[str, Any]:
        """The whole state, empty tables included."""
        everything = self.since(0)
        return everything | {"rows": {table: everything["rows"].get(table, []) for table in TABLE_LIMITS}}


def _ranked(rows: dict[str, _Entry]) -> list[_Entry]:
    return sorted(rows.values(), key=lambda entry: -entry.rank)
