"""What the robot notices of the link's bad days: `make bench-link`.

`rider up` with its real engines serves a simulated robot with the real one's time limits, and then what happens to PCs
happens: workers are killed, Redis hangs, a direction of the bus is cut, the camera hangs, the PC sleeps, probes come
under load, frames come fast and large. Each figure is the worst of its repetitions, seen from the robot's side. Prints
a table, and as its last line one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import failures
import load
from harness import BenchHarness, running_product
from rich.console import Console
from rich.table import Table
from robots import Simulated

#: Key to what it is, the most that it may be, and the part that measures it.
FIGURES: dict[str, tuple[str, float]] = {
    "service_loss_to_local_s": ("service lost on a living PC until the robot was told", 2.0),
    "one_way_to_local_s": ("one direction of the bus cut, the same", 4.0),
    "frozen_to_blocked_s": ('last moving frame until "blocked"', 4.0),
    "back_after_sleep_s": ("after 25 s of sleep until all domains serve again", 20.0),
    "probe_p99_ms": ("the robot's probe under load, 99th percentile", 100.0),
    "frames_late_pct": ("words about a frame that is older than 200 ms, at 30 frames a second", 0.0),
    "link_cpu_pct": ("the link's share of one core meanwhile", 15.0),
    "speech_end_to_job_ms": ("end of speech until the job was submitted", 750.0),
    "mb_after_flood": ("growth after 600 frames of 3.9 MB and 200,000 strange topics", 30.0),
}

PARTS: dict[str, Callable[[BenchHarness], dict[str, float]]] = {
    "loss": failures.service_loss,
    "one_way": failures.one_way,
    "frozen": failures.frozen,
    "probe": load.probe,
    "frames": load.frames,
    "speech": load.speech,
    "flood": load.flood,
    "sleep": failures.sleep,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=list(PARTS), action="append", help="a part alone; may be given several times")
    options = parser.parse_args()
    console = Console(stderr=True)
    figures: dict[str, float] = {}
    robot = Simulated()
    with tempfile.TemporaryDirectory(prefix="b") as name:
        console.print("starting")
        with running_product(Path(name), robot) as ours:
            for part in options.only or PARTS:
                ours.outside.make_ready()
                console.print(f"measuring: {part}")
                found = PARTS[part](ours)
                console.print(f"  {found}")
                figures |= found
    robot.close()
    failed = show(figures)
    print(json.dumps({key: value for key, value in figures.items() if key in FIGURES}))
    sys.exit(1 if failed else 0)


def show(figures: dict[str, float]) -> bool:
    """The table; whether a figure is above what it may be."""
    table = Table("figure", "measured", "may be")
    failed = False
    for key, value in figures.items():
        what, limit = FIGURES.get(key, (f"  {key}", None))
        over = limit is not None and value > limit
        failed = failed or over
        table.add_row(what, f"[red]{value:g}[/red]" if over else f"{value:g}", "" if limit is None else f"{limit:g}")
    Console(width=110).print(table)
    return failed


if __name__ == "__main__":
    main()
