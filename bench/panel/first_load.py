"""The first load of the dashboard from loopback, in headless Chromium with an empty cache."""

from __future__ import annotations

import statistics
from pathlib import Path

from harness import browser_page, open_dashboard, stack_in

#: Loads with a new browser context each; the median counts.
LOADS = 7


def measure(folder: Path) -> dict[str, float]:
    sizes, times = [], []
    with stack_in(folder) as (stack, _), browser_page() as new_page:
        for _ in range(LOADS):
            page = new_page()
            received: list[float] = []
            session = page.context.new_cdp_session(page)
            session.send("Network.enable")
            session.on("Network.loadingFinished", lambda event, all=received: all.append(event["encodedDataLength"]))
            open_dashboard(page, stack.url)
            page.wait_for_timeout(1000)
            times.append(float(page.evaluate("performance.getEntriesByName('live')[0].startTime")))
            sizes.append(sum(received) / 1000)
            page.context.close()
    return {"first_load_kb": round(statistics.median(sizes), 1), "interactive_ms": round(statistics.median(times))}
