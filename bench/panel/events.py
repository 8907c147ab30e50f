"""50 events a second and 20 clients: from an event's publication to the frame of the browser that shows it."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import socketio
from harness import browser_page, console, open_dashboard, stack_in

from rider_core.api import Event
from rider_core.api.events import HOUSE_STREAM
from rider_core.eventbus import encode_event

CLIENTS, EVENTS_A_S, EVENTS_S = 20, 50, 20.0

#: Notes for each transcript with a time in its text how long ago that was when the frame with it is drawn.
WATCH_TALK = """() => {
  window.lags = [];
  const seen = new Set();
  new MutationObserver(() => requestAnimationFrame(() => {
    for (const words of document.querySelectorAll('.talk .words')) {
      const sent = Number(words.textContent);
      if (!sent || seen.has(sent)) continue;
      seen.add(sent);
      window.lags.push(Date.now() - sent);
    }
  })).observe(document.querySelector('main'), {childList: true, subtree: true, characterData: true});
}"""


def measure(folder: Path) -> dict[str, float]:
    with stack_in(folder) as (stack, connection), browser_page() as new_page:
        page = new_page()
        open_dashboard(page, stack.url)
        clients = [_client(stack.url) for _ in range(CLIENTS - 1)]
        page.evaluate(WATCH_TALK)
        end = time.monotonic() + EVENTS_S
        next_at = time.monotonic()
        while time.monotonic() < end:
            data = {"text": str(time.time() * 1000), "language": "en", "duration_s": 1, "latency_s": 1, "provider": "x"}
            event = Event(kind="robot.transcript", ts=time.time(), source="bench", job_id=None, data=data)
            connection.xadd(HOUSE_STREAM, encode_event(event))
            next_at += 1 / EVENTS_A_S
            time.sleep(max(0.0, next_at - time.monotonic()))
        page.wait_for_timeout(1000)
        lags = page.evaluate("window.lags")
        for client in clients:
            client.disconnect()
    shown = len(lags) / (EVENTS_S * EVENTS_A_S)
    console.print(
        f"{len(lags)} of {EVENTS_S * EVENTS_A_S:.0f} events were seen; median {statistics.median(lags):.0f} ms"
    )
    if shown < 0.9:
        sys.exit(f"only {shown:.0%} of the events were shown")
    return {"event_to_pixel_p95_ms": round(statistics.quantiles(lags, n=20)[18])}


def _client(url: str) -> socketio.Client:
    client = socketio.Client(reconnection=False)
    client.on("news", lambda _message: None, namespace="/live")
    client.connect(url, namespaces=["/live"], transports=["websocket"])
    client.emit("ready", namespace="/live")
    return client
