"""What the whole product takes from the machine, idle and at work: `make bench-stack`.

Four parts, each in a folder of its own:

1. idle: mock engines, no robot.
2. active: mock engines, a simulated robot at the rates of the wire contract, and scrapes of `/metrics`.
3. real: all engines that are installed, with the default settings: a simulated robot that speaks and sees, and jobs of
   each task.
4. what counting costs: single jobs a second with metrics and traces, and where these do nothing, in turns.

The simulated robot is no part of the product and is left out. Prints tables, and as its last line one JSON object; the
exit status is 1 where a figure is above its limit. `--only PART...` runs some parts.
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "queue"))

from ours import Ours
from rich.console import Console
from rich.table import Table
from servers import redis_server
from stack import ROOT, Stack

from rider_core.api import JobSpec
from rider_core.cli.simulated_voice import engine_voice
from rider_core.config import load_settings
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.runtime.redis_connection import connect
from rider_core.simulator.pictures import pictures

#: After the start, until what a start does is over; and the time of a measurement; in seconds.
SETTLE_S, MEASURE_S = 30.0, 60.0
SCRAPES, SCRAPE_EVERY_S = 60, 0.5
#: Jobs of one turn, and turns of each side. Other programs slow some turns down by a half, so there are many short
#: ones, and the upper quartiles are compared.
JOBS, TURNS = 4_000, 48
WITHOUT = str(Path(__file__).parent / "without_metrics.py")

#: Key to description, the most that it may be, and the aim.
FIGURES: dict[str, tuple[str, float | None, float | None]] = {
    "idle_pss_mb": ("idle: memory of all processes, MB", 200, 160),
    "idle_cpu_pct": ("idle: share of one core, %", 5, 2),
    "active_cpu_pct": ("with a robot: share of one core, %", 50, 30),
    "real_pss_mb": ("with all real engines and a robot that speaks: memory, mean of a minute, MB", 900, 600),
    "real_pss_mb_at_most": ("the same, at most, MB", None, None),
    "scrape_ms": ("a scrape under load, 95th percentile, ms", 50, None),
    "scrape_kb": ("its size, kB", 150, None),
    "metrics_overhead_pct": ("jobs a second that metrics and traces cost, %", 3, 1),
}

console = Console(stderr=True)


def main() -> None:
    parts = {"idle": idle, "active": active, "real": real, "overhead": overhead}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    options = parser.parse_args()
    compile_everything()
    figures: dict[str, float] = {}
    for name in options.only:
        console.print(f"part: {name}")
        with tempfile.TemporaryDirectory(prefix="b") as folder:
            figures |= parts[name](Path(folder))
    table = Table("figure", "measured", "at most", "aim")
    for key, (what, most, aim) in FIGURES.items():
        if key in figures:
            table.add_row(
                what, f"{figures[key]:g}", "" if most is None else f"{most:g}", "" if aim is None else f"{aim:g}"
            )
    console.print(table)
    print(json.dumps(figures))
    sys.exit(any(most is not None and figures.get(key, 0) > most for key, (_, most, _) in FIGURES.items()))


def compile_everything() -> None:
    """As pip does with what it installs; uv leaves it to the first start, whose processes keep a tenth more memory."""
    folders = [str(ROOT / "rider_core"), str(ROOT / "plugins"), sysconfig.get_path("purelib")]
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-j", "2", *folders], check=False, capture_output=True)


def measured(stack: Stack, work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Do the work, show the memory of each process, and end the stack."""
    try:
        figures = work()
        show(stack.by_process())
        return figures
    finally:
        stack.end()


def show(memory: dict[str, float]) -> None:
    table = Table("process", "memory, MB")
    for name, size in sorted(memory.items(), key=lambda it: -it[1]):
        table.add_row(name, f"{size:g}")
    console.print(table)


def idle(folder: Path) -> dict[str, float]:
    stack = Stack(folder, mocks=True, RIDER_ROBOT="none")

    def work() -> dict[str, float]:
        stack.wait_until_ready()
        time.sleep(SETTLE_S)
        usage = stack.usage(MEASURE_S)
        return {"idle_pss_mb": round(usage.pss_mb, 1), "idle_cpu_pct": round(usage.cpu_pct, 2)}

    return measured(stack, work)


def active(folder: Path) -> dict[str, float]:
    stack = Stack(folder, mocks=True)

    def work() -> dict[str, float]:
        stack.wait_until_ready()
        time.sleep(SETTLE_S)
        usage = stack.usage(MEASURE_S)
        scrape_ms, scrape_kb = stack.scrapes(SCRAPES, SCRAPE_EVERY_S)
        return {
            "active_cpu_pct": round(usage.cpu_pct, 1),
            "scrape_ms": round(scrape_ms, 1),
            "scrape_kb": round(scrape_kb, 1),
        }

    return measured(stack, work)


def real(folder: Path) -> dict[str, float]:
    stack = Stack(folder, mocks=False)

    def work() -> dict[str, float]:
        stack.wait_until_ready()
        do_jobs_of_each_task(stack)
        sizes = stack.sizes_mb(MEASURE_S, 1.0)
        return {"real_pss_mb": round(statistics.mean(sizes), 1), "real_pss_mb_at_most": round(max(sizes), 1)}

    return measured(stack, work)


def do_jobs_of_each_task(stack: Stack) -> None:
    """As a robot's day has them, one after the other; twice, so that no buffer waits for its first use."""
    settings = load_settings(data_dir=stack.environment["RIDER_DATA_DIR"])
    backend = RedisJobBackend(connect(settings.redis_location), RQLists())
    speak = engine_voice(settings)
    assert speak is not None
    clip = speak("Go forward, and then turn left at the table.", "en")
    sound = {"audio": base64.b64encode(clip.pcm).decode(), "sample_rate": clip.sample_rate}
    picture = {"image": base64.b64encode(pictures(None)[0].jpeg).decode()}
    specs = [
        JobSpec(task=task, payload=payload, stream=task == "voice.synthesize")
        for _ in range(2)
        for task, payload in (
            ("voice.transcribe", sound),
            ("voice.synthesize", {"text": "Good morning."}),
            ("vision.detect", picture),
            ("text.generate", {"prompt": "Say hello.", "max_tokens": 16}),
        )
    ]
    for spec in specs:
        backend.submit(spec)
        backend.wait(spec.id, 120).value()


def overhead(folder: Path) -> dict[str, float]:
    metrics = folder / "metrics"
    metrics.mkdir()
    counted = {"PROMETHEUS_MULTIPROC_DIR": str(metrics), "RIDER_PROCESS": "worker_0"}
    with redis_server(folder / "redis") as url:
        backend = {"TASK_QUEUE_BACKEND": "rq"}
        with_all = Ours(folder / "with", url, {**backend, **counted})
        without = Ours(folder / "without", url, backend, program=(WITHOUT,))
        rates: list[list[float]] = []
        for turn in range(TURNS):
            # In turns, first one, then the other first: how fast a machine is changes from minute to minute.
            pair = [with_all.single_jobs_per_s(JOBS), 0.0] if turn % 2 else [0.0, without.single_jobs_per_s(JOBS)]
            pair = [pair[0] or with_all.single_jobs_per_s(JOBS), pair[1] or without.single_jobs_per_s(JOBS)]
            rates.append(pair)
    counted_rate, bare_rate = (statistics.quantiles(side, n=4)[2] for side in zip(*rates, strict=True))
    return {
        "metrics_overhead_pct": round(100 * (1 - counted_rate / bare_rate), 2),
        "jobs_per_s_with": round(counted_rate),
        "jobs_per_s_without": round(bare_rate),
    }


if __name__ == "__main__":
    main()
