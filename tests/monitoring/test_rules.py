"""Our rules with promtool: each alert fires at its minute, clears, and is silent in the neighbouring case."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from expressions import CONTRIB, RULES

pytestmark = pytest.mark.acceptance

HERE = '{instance="pc", job="rider-pc"'
Series = dict[str, str]


@dataclass(frozen=True)
class Case:
    """One alert with promtool's input series, a value every 15 seconds.

    Attributes:
        trouble: The series of a fault that begins after some time and ends.
        neighbour: The series of the nearest case that is no trouble.
        fires, cleared: Times at which the alert fires first, and no longer. One evaluation before `fires` it does not.
        labels: Of the alert, beside its name, severity and instance.
        summary: The sentence at `fires`.
    """

    alert: str
    severity: str
    trouble: Series
    neighbour: Series
    fires: str
    cleared: str
    labels: dict[str, str]
    summary: str
    job: bool = field(default=True)


def bucketed(name: str, labels: str, fast: str, slow: str, bounds: tuple[str, str]) -> Series:
    """A histogram with two buckets: increments of the fast ones, and of all."""
    return {
        f'{name}_bucket{labels}, le="{bounds[0]}"}}': fast,
        f'{name}_bucket{labels}, le="{bounds[1]}"}}': slow,
        f'{name}_bucket{labels}, le="+Inf"}}': slow,
    }


TASK = f'{HERE}, queue="text", task="text.generate"'
FAILED = f'rider_job_events_total{HERE}, queue="text", task="text.generate", event="failed"}}'
HITS, MISSES = (f'rider_answer_cache_total{HERE}, outcome="{outcome}"}}' for outcome in ("hit", "miss"))
OWN, LIMIT = (
    f'rider_process_{what}_memory_bytes{HERE}, process="worker-0"}}'.replace("limit_memory", "memory_limit")
    for what in ("own", "limit")
)

CASES = [
    Case(
        "RiderNotScraped",
        "critical",
        {f"up{HERE}}}": "1x3 0x8 1x20"},
        # A scrape that fails now and then; and another job's target.
        {f"up{HERE}}}": "1x3 0x2 1x3 0x2 1x20", 'up{instance="x", job="other"}': "0x40"},
        fires="2m",
        cleared="3m15s",
        labels={},
        summary="Prometheus gets no metrics from pc (up is 0): other alerts about it are blind",
    ),
    Case(
        "RiderRedisAway",
        "critical",
        {f"rider_redis_up{HERE}}}": "1x3 0x8 1x20"},
        {f"rider_redis_up{HERE}}}": "1x3 0x3 1x20"},
        fires="2m",
        cleared="3m15s",
        labels={},
        summary="Redis of pc does not answer (up is 0): no job is accepted",
    ),
    Case(
        "RiderQueueTooLong",
        "warning",
        {f'rider_jobs{HERE}, queue="text", state="waiting"}}': "0x3 150x24 10x8"},
        {
            f'rider_jobs{HERE}, queue="text", state="waiting"}}': "100x40",
            f'rider_jobs{HERE}, queue="text", state="running"}}': "500x40",
        },
        fires="6m",
        cleared="7m15s",
        labels={"queue": "text", "state": "waiting"},
        summary="150 jobs wait in the queue text of pc",
    ),
    Case(
        "RiderBreakerOpen",
        "critical",
        # Open for 30 s, tried, open again, four times.
        {f'rider_breaker_state{HERE}, provider="ollama"}}': "0x3 " + "2 2 1 " * 4 + "0x20"},
        # It opened once and rested. No job has come since.
        {f'rider_breaker_state{HERE}, provider="ollama"}}': "0x3 2x1 1x200"},
        fires="3m",
        cleared="4m45s",
        labels={"provider": "ollama"},
        summary="The circuit breaker of ollama on pc opens again and again (state 2): it is not called",
    ),
    Case(
        "RiderProcessingTooSlow",
        "warning",
        bucketed("rider_job_took_seconds", TASK, "0+15x3 45x24 60+15x99", "0+15x128", ("10.0", "30.0")),
        bucketed("rider_job_took_seconds", TASK, "0+15x60", "0+15x60", ("10.0", "30.0")),
        fires="6m",
        cleared="11m45s",
        labels={"queue": "text", "task": "text.generate"},
        summary="One in twenty jobs of text.generate on pc takes 29s or longer",
        job=False,
    ),
    Case(
        "RiderMemoryTooHigh",
        "critical",
        {OWN: "500x3 950x12 100x10", LIMIT: "1000x30"},
        {OWN: "890x40", LIMIT: "1000x40"},
        fires="3m",
        cleared="4m15s",
        labels={"process": "worker-0"},
        summary="worker-0 on pc has 95% of its memory",
        job=False,
    ),
    Case(
        "RiderRobotLost",
        "critical",
        {f'rider_link_up{HERE}, robot="rider-pi", channel="bus"}}': "1x3 0x8 1x20"},
        # A restart of the robot's broker takes some seconds.
        {f'rider_link_up{HERE}, robot="rider-pi", channel="bus"}}': "1x3 0 1x3 0 1x20"},
        fires="1m30s",
        cleared="3m15s",
        labels={"robot": "rider-pi", "channel": "bus"},
        summary="pc does not reach the robot (bus, up is 0)",
    ),
    Case(
        "RiderRobotLost",
        "critical",
        {f'rider_process_up{HERE}, process="link"}}': "1x3 0x8 1x20"},
        {f'rider_process_up{HERE}, process="panel"}}': "0x30"},
        fires="1m30s",
        cleared="3m15s",
        labels={"process": "link"},
        summary="pc does not reach the robot (the link does not run, up is 0)",
    ),
    Case(
        "RiderDeadLettersGrowing",
        "warning",
        {FAILED: "0x40 4x100"},
        {FAILED: "0x40 1x20 2x100"},
        fires="10m15s",
        cleared="20m15s",
        labels={"queue": "text"},
        summary="4 jobs of the queue text on pc failed for good in 10 minutes",
        job=False,
    ),
    Case(
        "RiderWorkerGone",
        "critical",
        {f'rider_workers{HERE}, queue="voice"}}': "2x3 0x8 1x20"},
        {f'rider_workers{HERE}, queue="voice"}}': "1x40"},
        fires="2m",
        cleared="3m15s",
        labels={"queue": "voice"},
        summary="0 workers serve the queue voice of pc",
    ),
    Case(
        "RiderSchedulerSilent",
        "warning",
        # Time begins at 0. It is silent from 30 s on, for four minutes.
        {f'rider_scheduler_heartbeat_timestamp_seconds{HERE}, process="scheduler"}}': "0 15 30x16 285+15x60"},
        {
            f'rider_scheduler_heartbeat_timestamp_seconds{HERE}, process="scheduler"}}': " ".join(
                f"{60 * n}x3" for n in range(120)
            ),
            # A worker on another machine has no scheduler.
            'rider_process_up{instance="lab", job="rider-pc", process="worker"}': "1x480",
        },
        fires="2m15s",
        cleared="4m45s",
        labels={},
        summary="No scheduler of pc looks for due jobs (silent for 1m 45s)",
    ),
    Case(
        "RiderSchedulerSilent",
        "warning",
        {f'rider_process_up{HERE}, process="scheduler"}}': "1x3 0x8 1x20"},
        {f'rider_process_up{HERE}, process="scheduler"}}': "1x3 0 1x3 0 1x20"},
        fires="1m30s",
        cleared="3m15s",
        labels={},
        summary="No scheduler of pc looks for due jobs (none lives)",
    ),
    Case(
        "RiderDiskNearlyFull",
        "warning",
        {f"rider_disk_free_bytes{HERE}}}": "10x3 4x24 20x10", f"rider_disk_size_bytes{HERE}}}": "100x50"},
        {f"rider_disk_free_bytes{HERE}}}": "5x40", f"rider_disk_size_bytes{HERE}}}": "100x40"},
        fires="6m",
        cleared="7m15s",
        labels={},
        summary="The disk of pc has 4% free space",
    ),
    Case(
        "RiderFramesLate",
        "warning",
        bucketed("rider_frame_age_seconds", HERE, "0+100x3 300x24 400+100x99", "0+100x128", ("0.5", "1.0")),
        bucketed("rider_frame_age_seconds", HERE, "0+96x60", "0+100x60", ("0.5", "1.0")),
        fires="3m",
        cleared="11m45s",
        labels={},
        summary="One in twenty frames on pc is 966.7ms old when its result leaves",
        job=False,
    ),
    Case(
        "RiderCacheUseless",
        "info",
        {HITS: "0x280 1+1x480", MISSES: "0+1x280 280x480"},
        # Too few requests in an hour.
        {HITS: "0x480", MISSES: "0x200 1+0x280"},
        fires="1h5m15s",
        cleared="1h11m15s",
        labels={},
        summary="0% of the requests to pc were in the answer cache",
        job=False,
    ),
    Case(
        "RiderRestartsInARow",
        "critical",
        {f'rider_process_restarts_total{HERE}, process="worker-0"}}': "0x60 1x3 2x3 3x180"},
        {f'rider_process_restarts_total{HERE}, process="worker-0"}}': "0x60 1x60 2x60 3x60"},
        fires="17m15s",
        cleared="30m15s",
        labels={"process": "worker-0"},
        summary="worker-0 on pc was restarted 3 times in 15 minutes",
    ),
]


def seconds(time: str) -> int:
    """`1h2m15s` in seconds."""
    total, number = 0, ""
    for letter in time:
        if letter.isdigit():
            number += letter
        else:
            total += int(number) * {"h": 3600, "m": 60, "s": 1}[letter]
            number = ""
    return total


def promtool(folder: Path, *tests: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run `promtool test rules` with our rules."""
    program = shutil.which("promtool")
    assert program, "apt-get install prometheus"
    file = folder / "rules.test.yml"
    head = {
        "rule_files": [str(rules) for rules in RULES],
        "evaluation_interval": "15s",
        # Otherwise by chance, and an alert would see a recorded value one evaluation later.
        "group_eval_order": ["rider-pc-recording", "rider-pc-alerts"],
    }
    file.write_text(json.dumps({**head, "tests": tests}))
    return subprocess.run([program, "test", "rules", str(file)], capture_output=True, text=True, check=False)


def promtools_test(case: Case, series: Series, expected: dict[int, bool]) -> dict[str, Any]:
    """A test in promtool's format: whether the alert fires at each of these times, in seconds."""
    job = {"job": "rider-pc"} if case.job else {}
    alert = {
        "exp_labels": {"severity": case.severity, "instance": "pc", **job, **case.labels},
        "exp_annotations": {"summary": case.summary, "runbook": f"docs/en/alerts.md#{case.alert.lower()}"},
    }
    return {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{at}s", "alertname": case.alert, "exp_alerts": [alert] if fires else []}
            for at, fires in expected.items()
        ],
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}-{'-'.join(case.labels) or 'pc'}")
def test_it_fires_at_its_minute_and_clears(tmp_path: Path, case: Case) -> None:
    fires = seconds(case.fires)
    cleared = seconds(case.cleared)
    expected = {fires - 15: False, fires: True, cleared: False}
    run = promtool(tmp_path, promtools_test(case, case.trouble, expected))
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}-{'-'.join(case.labels) or 'pc'}")
def test_the_neighbouring_case_is_silent(tmp_path: Path, case: Case) -> None:
    run = promtool(tmp_path, promtools_test(case, case.neighbour, dict.fromkeys(range(0, 2 * 3_600, 60), False)))
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_alert_has_a_case_and_all_that_it_should_have() -> None:
    groups = yaml.safe_load((CONTRIB / "prometheus" / "alerts.rules.yml").read_text())["groups"]
    alerts = {rule["alert"]: rule for group in groups for rule in group["rules"]}
    assert alerts.keys() == {case.alert for case in CASES}
    for name, rule in alerts.items():
        assert rule["labels"]["severity"] in ("info", "warning", "critical"), name
        assert "$value" in rule["annotations"]["summary"], name
        assert rule["annotations"]["runbook"].endswith(f"#{name.lower()}"), name


@pytest.mark.parametrize(
    "command",
    [
        ("promtool", "check", "rules", *map(str, RULES)),
        ("promtool", "check", "config", str(CONTRIB / "prometheus" / "prometheus.yml")),
        ("amtool", "check-config", str(CONTRIB / "prometheus" / "alertmanager.yml")),
    ],
    ids=["rules", "prometheus.yml", "alertmanager.yml"],
)
def test_the_programs_own_checks_find_nothing(command: tuple[str, ...]) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "warning" not in (run.stdout + run.stderr).lower()
