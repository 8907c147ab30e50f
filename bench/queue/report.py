"""Compares the measurements round by round, and shows them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from queue_peers import PeerFigures
from rich.console import Console
from rich.table import Table

#: Limits, and whether more or less is better.
MUST = {
    "redis_single_vs_best_peer": (1.2, "more"),
    "redis_single_vs_rq": (12, "more"),
    "redis_batch_tasks_per_s": (50_000, "more"),
    "rabbitmq_single_vs_best_peer": (2, "more"),
    "rabbitmq_batch_tasks_per_s": (50_000, "more"),
    "latency_p50_vs_best_peer": (1.0, "less"),
    "latency_p99_ms": (5, "less"),
    "full_queue_submit_ratio": (0.8, "more"),
    "bytes_per_waiting_job": (1_500, "less"),
    "idle_worker_cpu_pct": (0.5, "less"),
    "idle_worker_mb": (60, "less"),
}
console = Console(width=160)


@dataclass(frozen=True)
class Speed:
    """Single jobs with their results: how many each second, and submit to result one at a time."""

    jobs_per_s: float
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True)
class Duel:
    """A peer and our side on the same broker, measured within seconds of one another."""

    broker: str
    peer: PeerFigures | None
    ours: Speed

    def ratio(self, figure: str) -> float | None:
        """Ours over the peer's, where both were measured."""
        ours, theirs = getattr(self.ours, figure), getattr(self.peer, figure, None)
        return ours / theirs if ours and theirs else None


@dataclass(frozen=True)
class Measured:
    """The measurements on one broker.

    Attributes:
        batches: Tasks each second in batches, one for each round.
        once: Figures that are not compared with peers, by name.
    """

    duels: list[Duel]
    batches: list[float]
    once: dict[str, float]

    def ours(self, figure: str) -> float:
        """The median of what our side did in single jobs."""
        values = [getattr(duel.ours, figure) for duel in self.duels]
        return float(statistics.median(value for value in values if value is not None))


def compare(on_redis: Measured, on_rabbitmq: Measured) -> dict[str, float | None]:
    """The figures with limits (`MUST`), and below them those from which they are computed."""
    once, there = on_redis.once, on_rabbitmq.once
    return {
        "redis_single_vs_best_peer": _rounded(min, _ratios(on_redis, "jobs_per_s")),
        "redis_single_vs_rq": _rounded(min, _ratios(on_redis, "jobs_per_s", lambda peer: peer.peer == "rq")),
        "redis_batch_tasks_per_s": round(statistics.median(on_redis.batches)),
        "rabbitmq_single_vs_best_peer": _rounded(min, _ratios(on_rabbitmq, "jobs_per_s")),
        "rabbitmq_batch_tasks_per_s": round(statistics.median(on_rabbitmq.batches)),
        "latency_p50_vs_best_peer": _rounded(max, _ratios(on_redis, "p50_ms")),
        "latency_p99_ms": round(on_redis.ours("p99_ms"), 2),
        "full_queue_submit_ratio": round(once["full_ratio"], 2),
        "bytes_per_waiting_job": round(once["bytes"]),
        "idle_worker_cpu_pct": round(once["idle_cpu"], 2),
        "idle_worker_mb": round(once["idle_mb"], 1),
        "redis_single_jobs_per_s": round(on_redis.ours("jobs_per_s")),
        "rabbitmq_single_jobs_per_s": round(on_rabbitmq.ours("jobs_per_s")),
        "rabbitmq_single_vs_best_confirming_peer": _rounded(
            min, _ratios(on_rabbitmq, "jobs_per_s", lambda peer: not peer.peer.endswith("-unconfirmed"))
        ),
        "rabbitmq_single_each_confirmed_jobs_per_s": round(there["each_confirmed"]),
        "latency_p50_ms": round(on_redis.ours("p50_ms"), 2),
        "rabbitmq_latency_p50_ms": round(there["p50_ms"], 2),
        "rabbitmq_latency_p99_ms": round(there["p99_ms"], 2),
    }


def _ratios(measured: Measured, figure: str, among: Callable[[PeerFigures], bool] = lambda _: True) -> list[float]:
    """One for each peer: the median of ours over its own."""
    medians = [
        _median(duel.ratio(figure) for duel in same) for peer, same in by_peer(measured.duels).items() if among(peer)
    ]
    return [median for median in medians if median is not None]


def by_peer(duels: list[Duel]) -> dict[PeerFigures, list[Duel]]:
    """The duels of each peer, under its figures in the first of them."""
    found: dict[tuple[str, str], list[Duel]] = {}
    for duel in duels:
        if duel.peer is not None:
            found.setdefault((duel.peer.peer, duel.broker), []).append(duel)
    return {same[0].peer: same for same in found.values() if same[0].peer is not None}


def _median(values: Iterable[float | None]) -> float | None:
    """Of those that were measured."""
    measured = [value for value in values if value]
    return statistics.median(measured) if measured else None


def _rounded(choose: Callable[[list[float]], float], ratios: list[float]) -> float | None:
    return round(choose(ratios), 2) if ratios else None


def deciding(duels: list[Duel]) -> list[str]:
    """The peers that a must is about: stock RQ, and the two that come closest to us in single jobs."""
    ratios = {peer.peer: _median(duel.ratio("jobs_per_s") for duel in same) for peer, same in by_peer(duels).items()}
    closest = sorted((ratio, name) for name, ratio in ratios.items() if ratio is not None and name != "rq")[:2]
    return [*(name for name in ratios if name == "rq"), *(name for _, name in closest)]


def medians_of_peers(duels: list[Duel]) -> list[tuple[PeerFigures, float | None]]:
    """One row for each peer: the median of each of its figures, and of our jobs each second over its own."""
    rows = []
    for peer, same in by_peer(duels).items():
        medians: dict[str, Any] = {
            name: _median(getattr(duel.peer, name) for duel in same)
            for name in ("jobs_per_s", "jobs_per_s_without_results", "p50_ms", "p99_ms", "commands_per_job")
        }
        ratio = _median(duel.ratio("jobs_per_s") for duel in same)
        rows.append((replace(peer, **medians), ratio))
    return rows


def show(figures: dict[str, float | None], peers: list[tuple[PeerFigures, float | None]]) -> None:
    table = Table(
        "peer", "broker", "jobs/s", "ours over it", "without results", "p50 ms", "p99 ms", "commands", "delivery"
    )
    for row, ratio in peers:
        cells = (row.jobs_per_s, ratio, row.jobs_per_s_without_results, row.p50_ms, row.p99_ms, row.commands_per_job)
        shown = ["" if cell is None else f"{cell:,.1f}" if cell > 9 else f"{cell:.2f}" for cell in cells]
        table.add_row(f"{row.peer} {row.version or ''}", row.broker, *shown, row.error or row.delivery)
    console.print(table)
    table = Table("key", "figure", "must", "")
    for key, figure in figures.items():
        limit, better = MUST.get(key, (None, ""))
        kept = None if limit is None or figure is None else figure >= limit if better == "more" else figure <= limit
        mark = "" if kept is None else "[green]ok[/]" if kept else "[red]missed[/]"
        must = "" if limit is None else f"{limit:,} or {better}"
        table.add_row(key, "" if figure is None else f"{figure:,}", must, mark)
    console.print(table)
