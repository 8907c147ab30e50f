"""The table at the end of `make test`: seconds by environment, the slowest tests, what was skipped or failed and why.

    python test_report.py REPORTS_FOLDER

It reads what tox and pytest have left there: `tox.json` (`tox --result-json`) and one folder for each environment with
pytest's JUnit files. The seconds that each environment may take stand in CONTRIBUTING.md. The last line is JSON.
"""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
SLOWEST = 15


@dataclass
class Environment:
    """One of tox's environments. Durations in seconds; `budget_s` is None where CONTRIBUTING.md names none."""

    name: str
    succeeded: bool
    setup_s: float
    tests_s: float
    budget_s: int | None
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def total_s(self) -> float:
        return self.setup_s + self.tests_s


@dataclass(frozen=True)
class Test:
    """One test in one environment; `reason` is why it was skipped or failed."""

    environment: str
    name: str
    seconds: float
    outcome: str
    reason: str


def main() -> None:
    folder = Path(sys.argv[1])
    if not (folder / "tox.json").is_file():
        sys.exit(f"{folder} has no tox.json: tox ended before it ran anything")
    environments = environments_of(json.loads((folder / "tox.json").read_text()), budgets(CONTRIBUTING.read_text()))
    tests = [test for environment in environments for test in tests_in(folder, environment.name)]
    for environment in environments:
        environment.outcomes.update(test.outcome for test in tests if test.environment == environment.name)
    print_environments(environments)
    print_slowest(tests)
    print_skipped(tests)
    print_failed(tests)
    print(json.dumps(summary(environments)))


def environments_of(result: dict[str, Any], allowed: dict[str, int]) -> list[Environment]:
    """tox's environments in the order in which they ended."""
    found = []
    for name, each in result["testenvs"].items():
        if "result" not in each or name.startswith(".pkg"):
            continue  # not asked for, or the package: its build counts as set-up of the first that wants it
        commands = [command for command in each.get("test", []) if not command["run_id"].startswith("commands_pre")]
        tests_s = sum(command["elapsed"] for command in commands)
        setup_s = each["result"]["duration"] - tests_s
        found.append(Environment(name, each["result"]["success"], setup_s, tests_s, allowed.get(name)))
    return found


def budgets(contributing: str) -> dict[str, int]:
    """The rows of the table whose first column is an environment and whose second is a number of seconds."""
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", contributing, re.MULTILINE)
    return {name: int(seconds) for name, seconds in rows}


def tests_in(folder: Path, environment: str) -> Iterator[Test]:
    for file in sorted((folder / environment).glob("*.xml")):
        for case in ElementTree.parse(file).iter("testcase"):
            name = f"{case.get('classname', '')}::{case.get('name', '')}"
            outcome, reason = "passed", ""
            for kind, what in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
                found = case.find(kind)
                if found is not None:
                    outcome, reason = what, found.get("message", "")
            yield Test(environment, name, float(case.get("time", 0)), outcome, reason)


def print_environments(environments: list[Environment]) -> None:
    print(f"\n{'environment':<12}{'set-up s':>9}{'tests s':>9}{'all s':>8}{'may take':>9}{'passed':>8}{'skipped':>9}")
    for each in environments:
        budget = "" if each.budget_s is None else str(each.budget_s)
        verdict = "" if each.succeeded else "  FAILED"
        if each.budget_s is not None and each.total_s > each.budget_s:
            verdict += "  longer than it may take"
        counts = f"{each.outcomes['passed']:>8}{each.outcomes['skipped']:>9}"
        durations = f"{each.setup_s:>9.0f}{each.tests_s:>9.0f}{each.total_s:>8.0f}"
        print(f"{each.name:<12}{durations}{budget:>9}{counts}{verdict}")
    totals = [sum(each.setup_s for each in environments), sum(each.tests_s for each in environments)]
    budget_s = sum(each.budget_s or 0 for each in environments)
    passed, skipped = (sum(each.outcomes[what] for each in environments) for what in ("passed", "skipped"))
    print(f"{'all':<12}{totals[0]:>9.0f}{totals[1]:>9.0f}{sum(totals):>8.0f}{budget_s:>9}{passed:>8}{skipped:>9}")


def print_slowest(tests: list[Test]) -> None:
    print(f"\nthe {SLOWEST} slowest tests, with their set-up and clean-up")
    for test in sorted(tests, key=lambda test: -test.seconds)[:SLOWEST]:
        print(f"{test.seconds:8.1f} s  {test.environment:<8} {test.name}")


def print_skipped(tests: list[Test]) -> None:
    reasons: dict[str, list[Test]] = {}
    for test in tests:
        if test.outcome == "skipped":
            reasons.setdefault(test.reason, []).append(test)
    print(f"\nskipped: {sum(map(len, reasons.values()))}")
    for reason, skipped in sorted(reasons.items(), key=lambda item: -len(item[1])):
        where = ", ".join(sorted({test.environment for test in skipped}))
        print(f"{len(skipped):5}  {reason[:150]}  ({where}; {skipped[0].name})")


def print_failed(tests: list[Test]) -> None:
    """The last table, because often only the end of a long output is shown."""
    failed = [test for test in tests if test.outcome == "failed"]
    print(f"\nfailed: {len(failed)}")
    for test in failed:
        print(f"  {test.environment:<11}{test.name}\n    {' '.join(test.reason.split())[:300]}")


def summary(environments: list[Environment]) -> dict[str, Any]:
    return {
        "total_s": round(sum(each.total_s for each in environments)),
        "setup_s": round(sum(each.setup_s for each in environments)),
        "environments": {each.name: round(each.total_s) for each in environments},
        "passed": sum(each.outcomes["passed"] for each in environments),
        "skipped": sum(each.outcomes["skipped"] for each in environments),
        "failed": sum(each.outcomes["failed"] for each in environments),
        "over_budget": [each.name for each in environments if each.budget_s and each.total_s > each.budget_s],
    }


if __name__ == "__main__":
    main()
