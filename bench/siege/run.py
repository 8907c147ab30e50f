"""Attackers of all kinds at once, for twenty minutes: `make bench-siege`.

`rider up` serves a simulated robot with real engines. Attackers send requests that are refused, half-sent or left idle,
open sessions, guess passwords, write odd records into Redis, and send texts with control characters to every interface.
Meanwhile one client fetches the page, one submits jobs, and one speaks to the robot. Prints a table, and as its last
line one JSON object; the exit status is 1 where a figure is above its limit.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "link"))

import httpx
from attacks import ATTACKS
from product import Product
from rich.console import Console
from rich.table import Table
from robots import RESULT, Observer, Simulated

from rider_core.api import JobSpec, JobState, RetryPolicy
from rider_core.cli.simulated_voice import engine_voice
from rider_core.config import load_settings
from rider_core.errors import RiderError
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.runtime.redis_connection import connect
from rider_core.timing import Stopwatch

PASSWORD = secrets.token_hex(8)
#: Time between two fetches of the page, two jobs, two sentences to the robot, in seconds.
PAGE_EVERY_S, JOB_EVERY_S, SENTENCE_EVERY_S = 0.25, 0.5, 30.0
#: A job's deadline and a second: by then there is a result, or voice has failed over.
ANSWER_S = 21.0
#: Records of jobs are kept for ten minutes: from then on as many expire as are added.
WARM_UP_S = 660.0
#: The memory before is the maximum of the last minute, as the memory under siege is a maximum: buffers come and go.
#: Time between two samples, and in all, in seconds.
LOOK_S, CALM_S = 5.0, 60.0
#: Engines allocate working memory as inputs need it, so both have had a long input before the siege.
LONG_PROMPT = "word " * 3_000
LONG_SPEECH_SENTENCES = 8
#: Maximum time for that, in seconds.
FILL_S = 300.0
#: Jobs that are looked up at the end: records of finished ones are kept for ten minutes.
RECENT_S = 400.0

#: Key to description and limit.
FIGURES: dict[str, tuple[str, float]] = {
    "page_p95_ms": ("the page, 95th percentile", 300.0),
    "page_failed_pct": ("the page did not come", 0.0),
    "processes_died": ("processes that ended", 0),
    "memory_growth_mb": ("growth of all processes together", 50.0),
    "jobs_not_done": ("accepted jobs that were not done, or twice", 0),
    "sentences_unanswered": ("sentences to the robot without a transcript or a failover in time", 0),
    "gauges_wrong": ("values of /metrics that differ from the job store", 0),
    "left_in_queues": ("jobs that wait or run when all is quiet", 0),
    "raw_control_characters": ("control characters in the log", 0),
    "tracebacks": ("tracebacks in the log", 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--calm", action="store_true", help="run without attackers, to measure what grows by itself")
    parser.add_argument("--keep", type=Path, help="file to which the log is copied")
    options = parser.parse_args()
    console = Console(stderr=True)
    os.environ["RIDER_WEB_PASSWORD"] = PASSWORD
    robot = Simulated()
    outside = Observer(robot)
    with tempfile.TemporaryDirectory(prefix="b") as name:
        product = Product(Path(name), robot.publish_port, robot.subscribe_port, robot.api_port)
        outside.can_be_served = product.can_serve
        try:
            siege = Siege(product, outside, robot)
            siege.fill_engines()
            outside.make_ready()
            console.print(f"all domains are served; {options.minutes:g} minutes under siege")
            figures, beside = siege.run(options.minutes * 60, calm=options.calm)
            if options.keep:
                options.keep.write_text(product.log())
        finally:
            product.end()
            outside.close()
            robot.close()
    table = Table("figure", "measured", "at most")
    for key, (what, limit) in FIGURES.items():
        table.add_row(what, f"{figures[key]:g}", f"{limit:g}")
    for key, value in beside.items():
        table.add_row(key, f"{value:g}", "")
    console.print(table)
    print(json.dumps(figures | beside))
    sys.exit(any(figures[key] > limit for key, (_, limit) in FIGURES.items()))


class Siege:
    def __init__(self, product: Product, outside: Observer, robot: Simulated) -> None:
        self._product, self._outside, self._robot = product, outside, robot
        self._backend = RedisJobBackend(connect(product.redis_url), RQLists())
        self._stop = threading.Event()
        self._page_ms: list[float] = []
        self._failed = 0
        self._jobs: list[tuple[float, str]] = []
        self._not_done: set[str] = set()
        self._sentences = self._unanswered = 0

    def fill_engines(self) -> None:
        """Give both workers' engines long inputs: several jobs at once, not batched, so that each worker gets some."""
        long = {"prompt": LONG_PROMPT, "max_tokens": 16}
        speech = {"audio": _long_speech(), "format": "wav"}
        once = RetryPolicy(max_attempts=1)
        watch = Stopwatch.start()
        while not self._can_serve() and watch.elapsed_s < FILL_S:
            time.sleep(0.2)
        for task, payload in (("text.generate", long), ("voice.transcribe", speech)):
            ids = self._backend.submit_many([JobSpec(task=task, payload=payload, retry=once) for _ in range(6)])
            self._backend.wait_many(ids, FILL_S)

    def _can_serve(self) -> bool:
        with suppress(RiderError):
            able = self._backend.capacity()
            return able["text.generate"] > 1 and able["voice.transcribe"] > 1
        return False

    def run(self, seconds: float, calm: bool = False) -> tuple[dict[str, float], dict[str, float]]:
        members = set(self._product.processes())
        threads = [threading.Thread(target=it) for it in (self._ask_for_page, self._submit, self._speak)]
        for thread in threads:
            thread.start()
        time.sleep(WARM_UP_S - CALM_S)
        before = max((self._memory_mb() for _ in self._every(LOOK_S, CALM_S)), key=_sum)
        attackers = self._begin([] if calm else list(ATTACKS), time.time() + seconds)
        peaks = [self._memory_mb() for _ in self._every(LOOK_S, seconds)]
        while any(attacker.poll() is None for attacker in attackers):
            time.sleep(LOOK_S)
        self._stop.set()
        for thread in threads:
            thread.join()
        failed_attackers = sum(attacker.returncode != 0 for attacker in attackers)
        quiet = self._quiet()
        died = len(members - set(self._product.processes()))
        log = self._product.log()
        pages = sorted(self._page_ms)
        figures: dict[str, float] = {
            "page_p95_ms": round(pages[int(len(pages) * 0.95)], 1),
            "page_failed_pct": round(100 * self._failed / (self._failed + len(pages)), 2),
            "processes_died": died,
            "memory_growth_mb": round(max(map(_sum, peaks)) - _sum(before), 1),
            "jobs_not_done": len(self._not_done | self._unfinished()),
            "sentences_unanswered": self._unanswered,
            "gauges_wrong": self._gauges_wrong(),
            "left_in_queues": quiet,
            "raw_control_characters": len(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", log)),
            "tracebacks": log.count("Traceback (most recent"),
        }
        beside: dict[str, float] = {
            "pages": len(pages),
            "page_max_ms": round(pages[-1], 1),
            "jobs": len(self._jobs),
            "sentences": self._sentences,
            "memory_before_mb": round(_sum(before), 1),
            **{f"growth_mb {name}": round(max(it.get(name, 0) for it in peaks) - mb, 1) for name, mb in before.items()},
            "failed_attackers": failed_attackers,
            "minutes": round(seconds / 60, 1),
        }
        return figures, beside

    @staticmethod
    def _every(pause_s: float, seconds: float) -> Iterator[None]:
        watch = Stopwatch.start()
        while watch.elapsed_s < seconds:
            time.sleep(pause_s)
            yield

    def _begin(self, names: list[str], until: float) -> list[subprocess.Popen[bytes]]:
        program = str(Path(__file__).with_name("attacks.py"))
        where = [str(self._product.web_port), str(self._product.link_port), str(self._robot.publish_port)]
        return [
            subprocess.Popen(
                [sys.executable, program, name, *where, self._product.redis_url, PASSWORD, str(until)],
                preexec_fn=lambda: os.nice(5),
            )
            for name in names
        ]

    def _ask_for_page(self) -> None:
        url = f"http://127.0.0.1:{self._product.web_port}/"
        while not self._stop.wait(PAGE_EVERY_S):
            began = time.monotonic()
            try:
                with httpx.Client(trust_env=False, auth=("rider", PASSWORD), timeout=10) as client:
                    client.get(url).raise_for_status()
            except httpx.HTTPError:
                self._failed += 1
            else:
                self._page_ms.append(1000 * (time.monotonic() - began))

    def _submit(self) -> None:
        number = 0
        while not self._stop.wait(JOB_EVERY_S):
            number += 1
            spec = JobSpec(task="voice.synthesize", payload={"text": f"number {number}"})
            with suppress(RiderError):
                self._jobs.append((time.monotonic(), self._backend.submit(spec)))
            while self._jobs and time.monotonic() - self._jobs[0][0] > RECENT_S:
                self._judge(self._jobs.pop(0)[1])

    def _judge(self, job_id: str) -> None:
        """A job ends once: done, at its first attempt unless its worker died."""
        record = self._backend.get(job_id)
        if record.state is not JobState.DONE or record.attempts != 1:
            self._not_done.add(job_id)

    def _unfinished(self) -> set[str]:
        for _, job_id in self._jobs:
            self._judge(job_id)
        return self._not_done

    def _speak(self) -> None:
        speak = engine_voice(load_settings())
        assert speak is not None
        clip = speak("Where are you, Rider?", "en")
        while not self._stop.wait(SENTENCE_EVERY_S):
            self._sentences += 1
            began, deadline = time.monotonic(), time.monotonic() + ANSWER_S
            self._robot.say(clip)
            while time.monotonic() < deadline and not self._stop.is_set():
                texts = [it for it in self._outside.messages(RESULT) if it.at > began and it.body.get("text")]
                if texts or self._outside.are_local("voice"):
                    break
                time.sleep(0.2)
            else:
                self._unanswered += not self._stop.is_set()

    def _quiet(self) -> int:
        """Switch all domains to the robot, and return how many jobs still wait or run, after 60 s at most."""
        for name in ("voice", "vision", "text"):
            self._outside.switch(name, "local")
        deadline = time.monotonic() + 60
        left = 1
        while left and time.monotonic() < deadline:
            time.sleep(1)
            left = sum(it.waiting + it.running + it.scheduled for it in self._backend.stats())
        return left

    def _gauges_wrong(self) -> int:
        """How many values of /metrics differ from the job store, when no job waits or runs."""
        url = f"http://127.0.0.1:{self._product.web_port}/metrics"
        metrics = httpx.get(url, auth=("rider", PASSWORD), timeout=10, trust_env=False).text
        wrong = 0
        for task in self._backend.figures():
            for event in ("accepted", "done", "failed", "expired", "cancelled"):
                line = f'rider_job_events_total{{event="{event}",queue="{task.queue}",task="{task.task}"}} '
                wrong += _value_after(line, metrics) != float(getattr(task, event))
        for queue in self._backend.stats():
            for state in ("waiting", "running", "failed"):
                line = f'rider_jobs{{queue="{queue.queue}",state="{state}"}} '
                wrong += _value_after(line, metrics) != float(getattr(queue, state))
        return wrong

    def _memory_mb(self) -> dict[str, float]:
        """Memory of each process: its own, and its share of what they have in common (PSS)."""
        found: dict[str, float] = {}
        for process in self._product.processes():
            with suppress(OSError, ValueError, IndexError):
                command = Path(f"/proc/{process}/cmdline").read_text(errors="replace").replace("\0", " ")
                name = re.search(r"main (\w+)|rider_core\.(web)|(valkey)|(supervisord)", command)
                text = Path(f"/proc/{process}/smaps_rollup").read_text()
                kind = next(filter(None, name.groups()), "other") if name else "other"
                found[f"{kind} {process}"] = int(text.partition("\nPss:")[2].split()[0]) / 1024
        return found


def _long_speech() -> str:
    speak = engine_voice(load_settings())
    assert speak is not None
    clip = speak("Where are you, Rider? I have been looking for you.", "en")
    longer = replace(clip, pcm=clip.pcm * LONG_SPEECH_SENTENCES)
    return base64.b64encode(longer.to_wav()).decode()


def _sum(memory: dict[str, float]) -> float:
    return sum(memory.values())


def _value_after(line: str, text: str) -> Any:
    _, found, rest = text.partition(line)
    return float(rest.split("\n", 1)[0]) if found else None


if __name__ == "__main__":
    main()
