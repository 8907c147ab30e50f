"""The tables at the end of `make test`, made of what tox and pytest write."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "contrib" / "build" / "test_report.py"
#: As `tox --result-json` writes it, as far as it is read.
TOX = {
    "testenvs": {
        "quick": {"python": {"version": "3.11"}},
        ".pkg": {"result": {"success": True, "duration": 9.0}},
        "lint": {
            "result": {"success": True, "duration": 6.5},
            "test": [{"run_id": "commands[0]", "elapsed": 1.0}, {"run_id": "commands[1]", "elapsed": 3.5}],
        },
        "py311": {
            "result": {"success": False, "duration": 5000.0},
            "test": [{"run_id": "commands_pre[0]", "elapsed": 4.0}, {"run_id": "commands[0]", "elapsed": 4990.0}],
        },
    }
}
#: As pytest's --junitxml writes it.
PYTEST = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="0" failures="1" skipped="2" tests="5" time="12.3">
<testcase classname="tests.a.test_b" name="test_quick" time="0.001" />
<testcase classname="tests.a.test_b" name="test_slow[x]" time="21.5" />
<testcase classname="tests.a.test_b" name="test_bad" time="1.0">
<failure message="assert 1 == 2">...</failure></testcase>
<testcase classname="tests.a.test_c" name="test_s1" time="0.0">
<skipped type="pytest.skip" message="no card">f:1</skipped></testcase>
<testcase classname="tests.a.test_c" name="test_s2" time="0.0">
<skipped type="pytest.skip" message="no card">f:2</skipped></testcase>
</testsuite></testsuites>
"""


def report(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, check=False)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    (tmp_path / "tox.json").write_text(json.dumps(TOX))
    (tmp_path / "py311").mkdir()
    (tmp_path / "py311" / "tests.xml").write_text(PYTEST)
    return tmp_path


def test_seconds_and_counts_by_environment(reports: Path) -> None:
    lines = report(reports).stdout.splitlines()
    (lint,) = [line for line in lines if line.startswith("lint ")]
    assert lint.split()[1:4] == ["2", "4", "6"]
    (py311,) = [line for line in lines if line.startswith("py311 ")]
    _name, setup_s, tests_s, all_s, _limit, passed, skipped, *verdict = py311.split()
    assert (setup_s, tests_s, all_s, passed, skipped) == ("10", "4990", "5000", "2", "2")
    assert " ".join(verdict) == "FAILED longer than it may take"
    assert not [line for line in lines if line.startswith((".pkg", "quick"))]


def test_the_slowest_and_the_skipped_with_their_reasons(reports: Path) -> None:
    output = report(reports).stdout
    assert output.index("test_slow[x]") < output.index("test_quick")
    assert "    2  no card  (py311; tests.a.test_c::test_s1)" in output


def test_the_failed_are_named_just_before_the_last_line(reports: Path) -> None:
    *_, heading, failed, why, _summary = report(reports).stdout.splitlines()
    assert heading == "failed: 1"
    assert failed.split() == ["py311", "tests.a.test_b::test_bad"]
    assert why.strip() == "assert 1 == 2"


def test_the_last_line_is_for_programs(reports: Path) -> None:
    summary = json.loads(report(reports).stdout.splitlines()[-1])
    assert summary == {
        "total_s": 5006,
        "setup_s": 12,
        "environments": {"lint": 6, "py311": 5000},
        "passed": 2,
        "skipped": 2,
        "failed": 1,
        "over_budget": ["py311"],
    }


def test_without_a_run_it_says_so(tmp_path: Path) -> None:
    done = report(tmp_path)
    assert done.returncode == 1
    assert "tox ended before it ran anything" in done.stderr
