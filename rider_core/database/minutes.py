"""What happened in each minute: written once a minute by the panel's process, and read for its charts.

Without SQLAlchemy, which would be a quarter of an idle panel's memory for one small row a minute.
"""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from rider_core.database.reading import rows
from rider_core.database.writing import execute

#: Rows are kept for this long, in seconds: the charts' longest span, and a day.
KEPT_S = 8 * 86_400
MINUTE_S = 60
_READ = "SELECT ts, figures FROM minutes WHERE ts >= {mark} ORDER BY ts"
_WRITE = """INSERT INTO minutes (ts, figures) VALUES ({mark}, {mark})
ON CONFLICT (ts) DO UPDATE SET figures = excluded.figures"""
_PRUNE = "DELETE FROM minutes WHERE ts < {mark}"


class Minute(NamedTuple):
    """
    Attributes:
        ts: Its beginning, seconds since the epoch.
        done, bad: Jobs that ended with and without success.
        waiting: The most jobs that waited at a time.
        latency_s: Median time from the end of speech to its transcript; None: nobody spoke.
        cpu_pct, memory_pct: Of the panel's machine.
    """

    ts: int
    done: float
    bad: float
    waiting: float
    latency_s: float | None
    cpu_pct: float
    memory_pct: float


def write_minute(url: str, minute: Minute) -> None:
    """Write a row, over an earlier one of that minute, and forget those that are too old. Raises `DatabaseError`."""
    figures = {name: value for name, value in minute._asdict().items() if name != "ts"}
    execute(url, [(_WRITE, (minute.ts, json.dumps(figures))), (_PRUNE, (int(time.time()) - KEPT_S,))])


def read_minutes(url: str, since_ts: int) -> list[Minute]:
    """The rows from then on, the oldest first. Raises `DatabaseError`."""
    found = []
    for ts, figures in rows(url, _READ, since_ts):
        values = json.loads(figures) if isinstance(figures, str) else figures
        if set(values) == set(Minute._fields) - {"ts"}:  # of this version
            found.append(Minute(ts=int(ts), **values))
    return found


def averaged(minutes: list[Minute], step_s: int) -> list[Minute]:
    """One row for each step: means, the most that waited, and the median's mean."""
    groups: dict[int, list[Minute]] = {}
    for minute in minutes:
        groups.setdefault(minute.ts // step_s * step_s, []).append(minute)
    return [_mean(ts, group) for ts, group in sorted(groups.items())]


def _mean(ts: int, group: list[Minute]) -> Minute:
    latencies = [minute.latency_s for minute in group if minute.latency_s is not None]

    def mean(name: str) -> float:
        total: float = sum(getattr(minute, name) for minute in group)
        return round(total / len(group), 3)

    return Minute(
        ts=ts,
        done=mean("done"),
        bad=mean("bad"),
        waiting=max(minute.waiting for minute in group),
        latency_s=round(sum(latencies) / len(latencies), 3) if latencies else None,
        cpu_pct=mean("cpu_pct"),
        memory_pct=mean("memory_pct"),
    )
