"""What came of a batch's items lies in a list of reports. A later one counts more: a failed item is tried again.

A report is one value for as many items as an engine did together, not a field for each: that takes a tenth of the time.
It is JSON: `{"done":"0-499,501","results":[...],"failed":"500","problems":[...]}`, each list in the order of its names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from pydantic_core import from_json

from rider_core.api.jobs import BatchItem, JobProblem


class BatchChunk:
    """What came of some items; it grows until it is stored.

    Attributes:
        done: The items that have a result.
        problems: Why the others have none.
    """

    def __init__(self) -> None:
        self.done: list[int] = []
        self.problems: dict[int, JobProblem] = {}
        self._results: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self.done or self.problems)

    def add_results(self, numbers: Sequence[int], results: bytes) -> None:
        """These have results.

        Args:
            results: In JSON, in the order of the numbers, with commas between.
        """
        self.done += numbers
        self._results.append(results)

    def add_problem(self, number: int, problem: JobProblem) -> None:
        """This one has failed."""
        self.problems[number] = problem

    def to_json(self) -> bytes:
        """As it is stored."""
        problems = ",".join([problem.model_dump_json() for problem in self.problems.values()])
        head = f'{{"done":"{_names(self.done)}","failed":"{_names(list(self.problems))}","problems":[{problems}],'
        return b'%b"results":[%b]}' % (head.encode(), b",".join(self._results))


def items_of(reports: Sequence[bytes], items: int) -> list[BatchItem]:
    """What became of each item. A report that makes no sense says nothing."""
    known = [BatchItem()] * items
    for data in reports:
        with suppress(ValueError, TypeError, KeyError):
            report = from_json(data, allow_inf_nan=False)
            results = [BatchItem(result) for result in report["results"]]
            problems = [BatchItem(problem=JobProblem.model_validate(problem)) for problem in report["problems"]]
            _place(known, report["done"], results)
            _place(known, report["failed"], problems)
    return known


def _place(into: list[Any], names: str, values: Sequence[Any]) -> None:
    start = 0
    for first, after in _ranges(names):
        if not 0 <= first < after <= len(into) or after - first > len(values) - start:
            raise ValueError(f"{names!r} names items that are not there")
        into[first:after] = values[start : start + after - first]
        start += after - first


def _names(numbers: Sequence[int]) -> str:
    """Numbers, neighbours as a range."""
    ranges = []
    for _, neighbours in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        first, *rest = [number for _, number in neighbours]
        ranges.append(f"{first}-{rest[-1]}" if rest else str(first))
    return ",".join(ranges)


def _ranges(names: str) -> Iterator[tuple[int, int]]:
    """Each range's first item, and the one after its last."""
    for name in names.split(",") if names else []:
        first, _, last = name.partition("-")
        yield int(first), int(last or first) + 1
