"""Every expression of every dashboard and rule returns data from a real stack, with the labels of its legend."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import expressions
import pytest
from observed_stack import ObservedStack

from rider_core.metrics.families import FAMILIES
from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.acceptance

#: Shows data only on a machine with a GPU.
OF_GPUS = "rider_gpu_"


@pytest.fixture
def stack(processes: Processes) -> Iterator[ObservedStack]:
    stack = ObservedStack(processes, {r"\[(1m|5m|10m|15m|1h)\]": "[20s]"})
    try:
        stack.start()
        yield stack
    finally:
        stack.end()


def test_every_expression_returns_data(stack: ObservedStack) -> None:
    everything = [*expressions.of_dashboards(), *expressions.of_rules(), *expressions.of_conditions()]
    wanted = [it for it in everything if OF_GPUS not in it.text]
    missing: dict[str, str] = {}

    def all_have_data() -> bool:
        put_under_load(stack)
        missing.clear()
        missing.update({f"{it.where} [{it.legend}]": it.text for it in wanted if not has_data(stack, it)})
        return not missing

    try:
        wait_until(all_have_data, 60, "data for every expression")
    finally:
        print(*missing.items(), sep="\n")
    print("| expression | series |\n| --- | --- |")
    for it in everything:
        print(f"| {it.where} [{it.legend}] | {len(stack.prometheus.query(it.text))} |")
    assert_no_metric_is_unknown(stack)


def put_under_load(stack: ObservedStack) -> None:
    """What the simulated robot does not do: jobs of programs, cached answers, and people who look."""
    stack.submit(["How are you?", "How are you?"], temperature=0)
    stack.submit(["And you?"])
    for path in ("/", "/api/v1/status", "/api/v1/jobs?limit=x"):
        stack.get(path)


def has_data(stack: ObservedStack, expression: expressions.Expression) -> bool:
    """Whether it returns a number, with the legend's labels on every series."""
    found = stack.prometheus.query(expression.text)
    labelled = all(expression.labels <= series["metric"].keys() for series in found)
    return labelled and any(series["value"][1] != "NaN" for series in found)


def assert_no_metric_is_unknown(stack: ObservedStack) -> None:
    """Every metric of ours that a stack has is declared, and every declared one is there: but a GPU's."""
    text = stack.get("/metrics").text
    shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE rider_")}
    shown = {name for name in shown if not name.startswith("rider_web_")}
    declared = {name for name in FAMILIES if not name.startswith(OF_GPUS)}
    assert shown == declared
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (check.returncode, check.stdout + check.stderr) == (0, "")
