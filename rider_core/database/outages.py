"""When the robot, its bus or the link were away: written by the panel's process, and read for the robot's page.

Without SQLAlchemy, as the minutes are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rider_core.database.reading import rows
from rider_core.database.writing import Statement, execute

#: How many of the latest outages are kept.
KEPT = 1_000
#: Limit of the reason, in characters.
MAX_WHY = 200
_READ = "SELECT what, begin_ts, end_ts, why FROM outages ORDER BY begin_ts DESC LIMIT {mark}"
_OPEN = "SELECT what, begin_ts, end_ts, why FROM outages WHERE end_ts IS NULL ORDER BY begin_ts LIMIT {mark}"
_WRITE = """INSERT INTO outages (what, begin_ts, end_ts, why) VALUES ({mark}, {mark}, {mark}, {mark})
ON CONFLICT (what, begin_ts) DO UPDATE SET end_ts = excluded.end_ts, why = excluded.why"""
_PRUNE = """DELETE FROM outages WHERE begin_ts <
(SELECT begin_ts FROM outages ORDER BY begin_ts DESC LIMIT 1 OFFSET {mark})"""


class Outage(NamedTuple):
    """
    Attributes:
        what: `bus` or `http`, the robot's two interfaces, or `link`, our own process.
        begin_ts, end_ts: Seconds since the epoch; no end: it lasts.
        why: For people, at most `MAX_WHY` characters.
    """

    what: str
    begin_ts: float
    end_ts: float | None
    why: str


def write_outages(url: str, outages: Sequence[Outage]) -> None:
    """Write rows, over earlier ones of the same begin, and forget all but the latest `KEPT`. Raises `DatabaseError`."""
    written: list[Statement] = [(_WRITE, (it.what, it.begin_ts, it.end_ts, _text(it.why))) for it in outages]
    execute(url, [*written, (_PRUNE, (KEPT - 1,))])


def read_outages(url: str, limit: int = KEPT) -> list[Outage]:
    """The latest, the newest first. Raises `DatabaseError`."""
    return [Outage(*row) for row in rows(url, _READ, limit)]


def open_outages(url: str) -> list[Outage]:
    """Those without an end, the oldest first. Raises `DatabaseError`."""
    return [Outage(*row) for row in rows(url, _OPEN, KEPT)]


def _text(text: str) -> str:
    """The text truncated, and without NUL, which PostgreSQL refuses."""
    return text[:MAX_WHY].replace("\x00", "\ufffd")
