"""What came of a batch's items lies in a list of reports. A later one counts more: a failed item is tried again.

A report is one value for as many items as an engine did together, not a field for each: that takes a tenth of the time.
Its first line names the items (`0-499,501`), then a line for each says how it ended: `1` and its result, or `0` and its
problem, in JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from pydantic_core import from_json

from rider_core.api.jobs import BatchItem, JobProblem

DONE, FAILED = b"1", b"0"


def report_of(outcomes: Mapping[int, bytes | JobProblem]) -> bytes:
    """A report.

    Args:
        outcomes: Item to its result in JSON, or to its problem.
    """
    numbers = sorted(outcomes)
    return b"\n".join([_names(numbers), *(_line(outcomes[number]) for number in numbers)])


def outcomes_of(reports: Sequence[bytes], items: int) -> list[bytes | None]:
    """For each item how it ended: the line that says so, or None where it has not."""
    known: list[bytes | None] = [None] * items
    for report in reports:
        names, *lines = report.split(b"\n")
        start = 0
        for first, after in _ranges(names):
            known[first:after] = lines[start : start + after - first]
            start += after - first
    return known


def items_of(reports: Sequence[bytes], items: int) -> list[BatchItem]:
    """What became of each item."""
    outcomes = outcomes_of(reports, items)
    values = from_json(b"[" + b",".join([outcome[1:] if outcome else b"null" for outcome in outcomes]) + b"]")
    return [
        BatchItem(problem=JobProblem.model_validate(value)) if outcome and outcome[:1] == FAILED else BatchItem(value)
        for outcome, value in zip(outcomes, values, strict=True)
    ]


def _line(outcome: bytes | JobProblem) -> bytes:
    if isinstance(outcome, JobProblem):
        return FAILED + outcome.model_dump_json().encode()
    return DONE + outcome


def _names(numbers: Sequence[int]) -> bytes:
    """Ascending numbers, neighbours as a range."""
    ranges = []
    for _, neighbours in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        first, *rest = [number for _, number in neighbours]
        ranges.append(f"{first}-{rest[-1]}" if rest else str(first))
    return ",".join(ranges).encode()


def _ranges(names: bytes) -> Iterator[tuple[int, int]]:
    """Each range's first item, and the one after its last."""
    for name in names.split(b","):
        first, _, last = name.partition(b"-")
        yield int(first), int(last or first) + 1
