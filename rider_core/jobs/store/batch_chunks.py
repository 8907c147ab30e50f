"""The results of a batch's items: a list of chunks in Redis. For an item that was retried, the later chunk counts.

A chunk is one value for many items, not a field for each item: that takes a tenth of the time. It is JSON:
`{"done":"0-499,501","results":[...],"failed":"500","problems":[...]}`, each list in the order of its item numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from pydantic_core import from_json

from rider_core.api.jobs import BatchItem, JobProblem


class BatchChunk:
    """Results and problems of some items, collected until they are stored.

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
        """Add results.

        Args:
            results: In JSON, in the order of the numbers, with commas between.
        """
        self.done += numbers
        self._results.append(results)

    def add_problem(self, number: int, problem: JobProblem) -> None:
        """Add the problem of an item that failed."""
        self.problems[number] = problem

    def to_json(self) -> bytes:
        """As it is stored."""
        problems = ",".join([problem.model_dump_json() for problem in self.problems.values()])
        done, failed = _format_ranges(self.done), _format_ranges(list(self.problems))
        head = f'{{"done":"{done}","failed":"{failed}","problems":[{problems}],'
        return b'%b"results":[%b]}' % (head.encode(), b",".join(self._results))


def items_of(chunks: Sequence[bytes], count: int) -> list[BatchItem]:
    """The `count` items of a batch, from its stored chunks. A malformed chunk is ignored."""
    items = [BatchItem()] * count
    for data in chunks:
        with suppress(ValueError, TypeError, KeyError):
            chunk = from_json(data, allow_inf_nan=False)
            results = [BatchItem(result) for result in chunk["results"]]
            problems = [BatchItem(problem=JobProblem.model_validate(problem)) for problem in chunk["problems"]]
            _place(items, chunk["done"], results)
            _place(items, chunk["failed"], problems)
    return items


def _place(into: list[Any], ranges: str, values: Sequence[Any]) -> None:
    start = 0
    for first, after in _parse_ranges(ranges):
        if not 0 <= first < after <= len(into) or after - first > len(values) - start:
            raise ValueError(f"{ranges!r} names items that are not there")
        into[first:after] = values[start : start + after - first]
        start += after - first


def _format_ranges(numbers: Sequence[int]) -> str:
    """Item numbers as text, consecutive ones as a range: `0-4,7`."""
    ranges = []
    for _, neighbours in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        first, *rest = [number for _, number in neighbours]
        ranges.append(f"{first}-{rest[-1]}" if rest else str(first))
    return ",".join(ranges)


def _parse_ranges(ranges: str) -> Iterator[tuple[int, int]]:
    """Each range's first item, and the one after its last."""
    for text in ranges.split(",") if ranges else []:
        first, _, last = text.partition("-")
        yield int(first), int(last or first) + 1
