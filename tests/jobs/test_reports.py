"""Reports of what came of a batch's items."""

from __future__ import annotations

from rider_core.api.jobs import BatchItem, JobProblem
from rider_core.jobs.ledger.reports import items_of, outcomes_of, report_of

PROBLEM = JobProblem(code="crashed", message="two\nlines")


def test_ranges_gaps_and_problems() -> None:
    report = report_of({7: b'{"n":7}', 0: b'{"n":0}', 2: PROBLEM, 1: b'{"n":1}', 6: b'{"n":6}', 4: b'{"n":4}'})
    assert report.startswith(b"0-2,4,6-7\n")
    expected = [{"n": 0}, {"n": 1}, None, None, {"n": 4}, None, {"n": 6}, {"n": 7}, None]
    items = items_of([report], 9)
    assert [item.result for item in items] == expected
    assert [number for number, item in enumerate(items) if item.problem] == [2]
    assert items[2].problem == PROBLEM
    assert items[3] == BatchItem()


def test_a_later_report_counts_more() -> None:
    reports = [report_of({0: b"{}", 1: PROBLEM, 2: PROBLEM}), report_of({2: b'{"n":2}'})]
    assert [outcome and outcome[:1] for outcome in outcomes_of(reports, 4)] == [b"1", b"0", b"1", None]
