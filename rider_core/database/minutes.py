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
        breakers_open: Providers whose circuit was open at its end. None, as in all below: not known.
        trips: How often circuits opened.
        cache_hits, cache_misses: Answers of language models that were in the cache, and that were not.
        gpu_pct, gpu_memory_pct: Of all GPUs together; None: there is none.
    """

    ts: int
    done: float
    bad: float
    waiting: float
    latency_s: float | None
    cpu_pct: float
    memory_pct: float
    breakers_open: float | None = None
    trips: float | None = None
    cache_hits: float | None = None
    cache_misses: float | None = None
    gpu_pct: float | None = None
    gpu_memory_pct: float | None = None


_NAMES = frozenset(Minute._fields) - {"ts"}
#: Those that rows of earlier versions have.
_NEEDED = _NAMES - set(Minute._field_defaults)


def write_minute(url: str, minute: Minute) -> None:
    """Write a row, over an earlier one of that minute, and forget those that are too old. Raises `DatabaseError`."""
    figures = {name: value for name, value in minute._asdict().items() if name != "ts"}
    execute(url, [(_WRITE, (minute.ts, json.dumps(figures))), (_PRUNE, (int(time.time()) - KEPT_S,))])


def read_minutes(url: str, since_ts: int) -> list[Minute]:
    """The rows from then on, the oldest first. Raises `DatabaseError`."""
    found = []
    for ts, figures in rows(url, _READ, since_ts):
        values = json.loads(figures) if isinstance(figures, str) else figures
        if _NEEDED.issubset(values) and _NAMES.issuperset(values):  # of no later version
            found.append(Minute(ts=int(ts), **values))
    return found


def averaged(minutes: list[Minute], step_s: int) -> list[Minute]:
    """One row for each step: means, the most that waited, the most open circuits, and the median's mean."""
    groups: dict[int, list[Minute]] = {}
    for minute in minutes:
        groups.setdefault(minute.ts // step_s * step_s, []).append(minute)
    return [_mean(ts, group) for ts, group in sorted(groups.items())]


def _mean(ts: int, group: list[Minute]) -> Minute:
    def known(name: str) -> list[float]:
        return [value for minute in group if (value := getattr(minute, name)) is not None]

    def mean(name: str) -> float:
        return round(sum(known(name)) / len(group), 3)

    def mean_of_known(name: str) -> float | None:
        values = known(name)
        return round(sum(values) / len(values), 3) if values else None

    return Minute(
        ts=ts,
        done=mean("done"),
        bad=mean("bad"),
        waiting=max(minute.waiting for minute in group),
        latency_s=mean_of_known("latency_s"),
        cpu_pct=mean("cpu_pct"),
        memory_pct=mean("memory_pct"),
        breakers_open=max(known("breakers_open"), default=None),
        **{name: mean_of_known(name) for name in ("trips", "cache_hits", "cache_misses", "gpu_pct", "gpu_memory_pct")},
    )
