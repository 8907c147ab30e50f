"""Pictures of 640 by 480 with boxes at 5 and at 15 a second: from publication to the frame that shows them."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from harness import browser_page, open_dashboard, stack_in

from rider_core.api.seen_frame import SeenFrame, SeenObject
from rider_core.simulator.pictures import encode_grey_blocks

#: Duration of the pictures at each rate, in seconds.
VIDEO_S = 15.0

#: Notes for each picture that is drawn how long ago it was published: its time is its provider's name.
WATCH_EYES = """() => {
  window.lags = [];
  window.last = '';
  const look = () => {
    const name = document.querySelector('.card-eyes .aside .soft')?.textContent ?? '';
    const sent = Number(name.split('|')[1]);
    if (sent && sent !== window.last) { window.last = sent; window.lags.push(Date.now() - sent); }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def measure(folder: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    jpeg = encode_grey_blocks([[(17 * x + 29 * y) % 255 for x in range(80)] for y in range(60)])
    with stack_in(folder) as (stack, connection), browser_page() as new_page:
        page = new_page()
        open_dashboard(page, stack.url)
        while not connection.pubsub_numsub("rider:camera")[0][1]:
            time.sleep(0.1)
        page.evaluate(WATCH_EYES)
        for rate in (5, 15):
            page.evaluate("window.lags = []")
            count = int(VIDEO_S * rate)
            next_at = time.monotonic()
            for number in range(count):
                connection.publish("rider:camera", _frame(number).encode(jpeg))
                next_at += 1 / rate
                time.sleep(max(0.0, next_at - time.monotonic()))
            page.wait_for_timeout(500)
            lags = page.evaluate("window.lags")
            found["video_fps" if rate == 15 else "video_fps_at_5"] = round(len(lags) / VIDEO_S, 2)
            found["video_lag_ms"] = round(statistics.quantiles(lags, n=20)[18])
    return found


def _frame(number: int) -> SeenFrame:
    now = time.time()
    objects = tuple(
        SeenObject(
            id=it, label="Person", score=0.8, box=(40.0 * it, 50, 40.0 * it + 90, 300), distance_m=it, confirmed=True
        )
        for it in range(1, 6)
    )
    return SeenFrame(width=640, height=480, arrived_ts=now, provider=f"|{now * 1000}|", objects=objects)
