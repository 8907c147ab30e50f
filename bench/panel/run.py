"""How quick the panel is, in a real browser and under load: `make bench-panel`.

Each part is a file of this folder. Prints a table, and as its last line one JSON object; the exit status is 1 where a
figure is outside its limit. `--only PART...` runs some parts.
Needs Chromium, and: pip install playwright "python-socketio[client]"
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import enable
import events
import first_load
import idle
import lists
import video
from harness import console
from rich.table import Table

#: In the order in which they run.
PARTS: dict[str, Callable[[Path], dict[str, float]]] = {
    "load": first_load.measure,
    "events": events.measure,
    "video": video.measure,
    "idle": idle.measure,
    "lists": lists.measure,
    "enable": enable.measure,
}

#: Key to description, the limit ("<=" or ">=", number), and the aim.
FIGURES: dict[str, tuple[str, str, float, float | None]] = {
    "first_load_kb": ("first load, compressed, kB", "<=", 120, 80),
    "interactive_ms": ("until the dashboard is live, median, ms", "<=", 800, 400),
    "event_to_pixel_p95_ms": ("50 events a second, 20 clients: event to pixel, p95, ms", "<=", 100, 60),
    "video_fps_at_5": ("pictures a second, of 5", ">=", 4.9, None),
    "video_fps": ("pictures a second, of 15", ">=", 14.5, None),
    "video_lag_ms": ("picture to pixel at 15 a second, p95, ms", "<=", 250, 150),
    "panel_mb": ("memory of the panel with an idle client, MB", "<=", 90, 75),
    "panel_idle_cpu_pct": ("share of one core of the same", "<=", 2, 0.5),
    "api_p95_ms_100k": ("any page or list with 100,000 jobs, p95, ms", "<=", 300, 100),
    "enable_to_effect_s": ("a provider switched on until its first job is done, median, s", "<=", 3, 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    figures: dict[str, float] = {}
    for name in options.only:
        console.print(f"part: {name}")
        with tempfile.TemporaryDirectory(prefix="b") as folder:
            found = PARTS[name](Path(folder))
            console.print(found)
            figures |= found
    table = Table("figure", "measured", "must", "aim")
    for key, (what, sign, limit, aim) in FIGURES.items():
        if key in figures:
            table.add_row(what, f"{figures[key]:g}", f"{sign} {limit:g}", "" if aim is None else f"{aim:g}")
    console.print(table)
    print(json.dumps(figures))
    sys.exit(any(not _fits(key, value) for key, value in figures.items() if key in FIGURES))


def _fits(key: str, value: float) -> bool:
    _, sign, limit, _ = FIGURES[key]
    return value <= limit if sign == "<=" else value >= limit


if __name__ == "__main__":
    main()
