"""Memory and processor time of the panel's process, with one client that watches nothing happen."""

from __future__ import annotations

import time
from pathlib import Path

from harness import browser_page, open_dashboard, stack_in

#: Time until the caches of the start are filled, and the time that is measured, in seconds.
QUIET_S, IDLE_S = 20.0, 60.0


def measure(folder: Path) -> dict[str, float]:
    with stack_in(folder) as (stack, _), browser_page() as new_page:
        page = new_page()
        open_dashboard(page, stack.url)
        time.sleep(QUIET_S)
        (panel,) = (it for it in stack.processes() if "rider_core.web" in " ".join(it.cmdline()))
        before = sum(panel.cpu_times()[:2])
        time.sleep(IDLE_S)
        used = sum(panel.cpu_times()[:2]) - before
        return {
            "panel_mb": round(float(panel.memory_full_info().pss) / (1 << 20), 1),
            "panel_idle_cpu_pct": round(100 * used / IDLE_S, 2),
        }
