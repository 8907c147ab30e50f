"""How quick the panel is, in a real browser and under load: `make bench-panel`.

1. load: the first load of the dashboard from loopback, in headless Chromium with an empty cache.
2. events: 50 events a second and 20 clients; from an event's publication to the frame that shows it.
3. video: pictures of 640 by 480 with boxes at 5 and at 15 a second; from publication to the frame that shows them.
4. idle: memory and processor time of the panel's process with one client that watches nothing happen.
5. lists: every page and list with 100,000 jobs that wait, and with 100,000 that are dead.
6. enable: from switching a provider on until a worker has run a job with it.

Prints a table, and as its last line one JSON object; the exit status is 1 where a figure is outside its limit.
`--only PART...` runs some parts. Needs Chromium, and: pip install playwright "python-socketio[client]"
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path += [str(Path(__file__).resolve().parents[1] / folder) for folder in ("stack", "queue")]

import httpx
import redis
import socketio
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table
from servers import redis_server
from stack import Stack

from rider_core.api import Event, JobSpec
from rider_core.api.events import HOUSE_STREAM
from rider_core.api.jobs import JobProblem, Priority
from rider_core.api.seen_frame import SeenFrame, SeenObject
from rider_core.eventbus import encode_event
from rider_core.jobs import AttemptResult, Outcome, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.runtime.redis_connection import connect
from rider_core.simulator.pictures import encode_grey_blocks

CLIENTS, EVENTS_A_S, EVENTS_S = 20, 50, 20.0
LOADS = 7
VIDEO_S = 15.0
IDLE_S = 60.0
JOBS, REQUESTS = 100_000, 60
SWITCHES = 5

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
#: What every page reads.
LISTS = (
    "/", "/api/v1/status", "/api/v1/queues", "/api/v1/jobs?limit=100", "/api/v1/jobs?state=waiting&limit=100",
    "/api/v1/jobs?state=failed&limit=100", "/api/v1/jobs?state=done&limit=100",
    "/api/v1/jobs?state=failed&queue=text&limit=100", "/api/v1/jobs?state=failed&search=no-such-job&limit=100",
    "/api/v1/schedules", "/api/v1/providers", "/api/v1/plugins", "/api/v1/prompts", "/api/v1/settings", "/api/v1/logs",
)  # fmt: skip

console = Console(stderr=True)


def main() -> None:
    parts: dict[str, Callable[[Path], dict[str, float]]] = {
        "load": load, "events": events, "video": video, "idle": idle, "lists": lists, "enable": enable,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    options = parser.parse_args()
    figures: dict[str, float] = {}
    for name in options.only:
        console.print(f"part: {name}")
        with tempfile.TemporaryDirectory(prefix="b") as folder:
            found = parts[name](Path(folder))
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


@contextlib.contextmanager
def stack_in(folder: Path, prepare: Callable[[redis.Redis], None] | None = None) -> Iterator[tuple[Stack, redis.Redis]]:
    """The product with mock engines, on a Redis that this program writes into, too.

    Args:
        prepare: Called before the product starts; its queues may be paused then.
    """
    with redis_server(folder / "redis") as url:
        connection = connect(url)
        if prepare is not None:
            prepare(connection)
        stack = Stack(folder, mocks=True, REDIS_URL=url, RIDER_ROBOT="none")
        try:
            if prepare is None:
                stack.wait_until_ready()
            time.sleep(5)  # what a start does is over
            yield stack, connection
        finally:
            connection.close()
            stack.end()


@contextlib.contextmanager
def browser_page() -> Iterator[Callable[[], Page]]:
    """Makes pages with an empty cache each."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        yield lambda: browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB").new_page()
        browser.close()


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return found or sys.exit("Chromium is missing: apt-get install chromium")


def load(folder: Path) -> dict[str, float]:
    sizes, times = [], []
    with stack_in(folder) as (stack, _), browser_page() as new_page:
        for _ in range(LOADS):
            page = new_page()
            received: list[float] = []
            session = page.context.new_cdp_session(page)
            session.send("Network.enable")
            session.on("Network.loadingFinished", lambda event, all=received: all.append(event["encodedDataLength"]))
            page.goto(stack.url)
            page.locator(".connection .good").wait_for()
            page.wait_for_timeout(1000)
            times.append(float(page.evaluate("performance.getEntriesByName('live')[0].startTime")))
            sizes.append(sum(received) / 1000)
            page.context.close()
    return {"first_load_kb": round(statistics.median(sizes), 1), "interactive_ms": round(statistics.median(times))}


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


def events(folder: Path) -> dict[str, float]:
    with stack_in(folder) as (stack, connection), browser_page() as new_page:
        page = new_page()
        page.goto(stack.url)
        page.locator(".connection .good").wait_for()
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


def video(folder: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    jpeg = encode_grey_blocks([[(17 * x + 29 * y) % 255 for x in range(80)] for y in range(60)])
    with stack_in(folder) as (stack, connection), browser_page() as new_page:
        page = new_page()
        page.goto(stack.url)
        page.locator(".connection .good").wait_for()
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


def idle(folder: Path) -> dict[str, float]:
    with stack_in(folder) as (stack, _), browser_page() as new_page:
        page = new_page()
        page.goto(stack.url)
        page.locator(".connection .good").wait_for()
        time.sleep(20)
        (panel,) = (it for it in stack.processes() if "rider_core.web" in " ".join(it.cmdline()))
        before = sum(panel.cpu_times()[:2])
        time.sleep(IDLE_S)
        used = sum(panel.cpu_times()[:2]) - before
        return {
            "panel_mb": round(float(panel.memory_full_info().pss) / (1 << 20), 1),
            "panel_idle_cpu_pct": round(100 * used / IDLE_S, 2),
        }


def lists(folder: Path) -> dict[str, float]:
    def fill(connection: redis.Redis) -> None:
        backend = RedisJobBackend(connection, RQLists())
        _fill_dead_letters(backend)
        for queue in ("voice", "vision", "text"):
            backend.pause(queue)
        _fill_waiting(backend)
        console.print({row.queue: (row.waiting, row.failed) for row in backend.stats()})

    with stack_in(folder, fill) as (stack, _):
        worst = {path: _p95_ms(stack.url + path) for path in LISTS}
    for path, ms in sorted(worst.items(), key=lambda it: -it[1]):
        console.print(f"{ms:8.1f} ms  {path}")
    return {"api_p95_ms_100k": round(max(worst.values()), 1)}


def _fill_waiting(backend: RedisJobBackend) -> None:
    spec = {"task": "text.generate", "payload": {"prompt": "hello"}, "origin": "bench"}
    for _ in range(JOBS // 1_000):
        backend.submit_many([JobSpec.model_validate(spec) for _ in range(1_000)])


def _fill_dead_letters(backend: RedisJobBackend) -> None:
    """Over all lanes, since each keeps a limited number."""
    tasks = {"voice.synthesize": {"text": "x"}, "vision.detect": {"image": "eA=="}, "text.generate": {"prompt": "x"}}
    problem = JobProblem(code="crashed", message="the bench's worker fails")
    share = JOBS // (len(tasks) * len(Priority)) + 1
    for task, payload in tasks.items():
        queue = task.split(".")[0]
        consumer = backend.consumer("bench", [queue])
        for priority in Priority:
            left = share
            while left > 0:
                count = min(left, 500)
                backend.submit_many([JobSpec(task=task, payload=payload, priority=priority) for _ in range(count)])
                left -= count
                done = 0
                while done < count:
                    leased = consumer.dequeue({task: 100})
                    consumer.commit([AttemptResult.with_problem(it, Outcome.PERMANENT, problem) for it in leased])
                    done += len(leased)
        consumer.close()


def _p95_ms(url: str) -> float:
    times = []
    with httpx.Client(timeout=30) as client:
        for _ in range(REQUESTS):
            started = time.perf_counter()
            answer = client.get(url)
            times.append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:300]}"
    return statistics.quantiles(times, n=20)[18]


def enable(folder: Path) -> dict[str, float]:
    times = []
    with stack_in(folder) as (stack, connection), httpx.Client(base_url=f"{stack.url}/api/v1", timeout=30) as client:
        backend = RedisJobBackend(connection, RQLists())
        for _ in range(SWITCHES):
            assert client.patch("/providers/echo-tts", json={"enabled": False}).status_code == 200
            time.sleep(3)
            started = time.monotonic()
            assert client.patch("/providers/echo-tts", json={"enabled": True}).status_code == 200
            while True:
                spec = JobSpec(
                    task="voice.synthesize", payload={"text": "x"}, provider="echo-tts", retry={"max_attempts": 1}
                )  # type: ignore[arg-type]
                if backend.run(spec, 10).state.value == "done":
                    break
                time.sleep(0.02)
            times.append(time.monotonic() - started)
        backend.close()
    return {"enable_to_effect_s": round(statistics.median(times), 2)}


if __name__ == "__main__":
    main()
