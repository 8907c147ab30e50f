"""The effects of faults of the PC on the robot: `make bench-link`.

`rider up` with its real engines serves a simulated robot with the real one's time limits. Then workers are killed,
Redis hangs, a direction of the bus is cut, the camera hangs, the PC is suspended, probes come under load, frames come
fast and large. Each figure is the worst of its repetitions, measured at the robot. Prints a table, and as its last line
one JSON object.
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

#: Key to its description and its upper limit.
FIGURES: dict[str, tuple[str, float]] = {
    "service_loss_to_local_s": ("service lost on a running PC until the domains are local", 2.0),
    "one_way_to_local_s": ("one direction of the bus cut until the domains are local", 4.0),
    "frozen_to_blocked_s": ('last moving frame until the report "vision lost"', 4.0),
    "back_after_sleep_s": ("after 25 s of suspend until all domains are served again", 20.0),
    "probe_p99_ms": ("the robot's probe under load, 99th percentile", 100.0),
    "frames_late_pct": ("reports of frames older than 200 ms, at 30 frames a second, in percent", 0.0),
    "link_cpu_pct": ("the link's share of one core meanwhile, in percent", 15.0),
    "speech_end_to_job_ms": ("end of speech until the job was submitted", 750.0),
    "mb_after_flood": ("growth of memory after 600 frames of 3.9 MB and 200,000 unknown topics, in MB", 30.0),
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
    parser.add_argument(
        "--only", choices=list(PARTS), action="append", help="measure this part only; may be given several times"
    )
    options = parser.parse_args()
    console = Console(stderr=True)
    figures: dict[str, float] = {}
    robot = Simulated()
    with tempfile.TemporaryDirectory(prefix="b") as name:
        console.print("starting")
        with running_product(Path(name), robot) as harness:
            for part in options.only or PARTS:
                harness.observer.make_ready()
                console.print(f"measuring: {part}")
                found = PARTS[part](harness)
                console.print(f"  {found}")
                figures |= found
    robot.close()
    failed = show(figures)
    print(json.dumps({key: value for key, value in figures.items() if key in FIGURES}))
    sys.exit(1 if failed else 0)


def show(figures: dict[str, float]) -> bool:
    """Print the table. Returns whether a figure is above its limit."""
    table = Table("figure", "measured", "limit")
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
