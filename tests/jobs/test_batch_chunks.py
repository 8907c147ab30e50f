"""The stored form of the results of a batch's items."""

from __future__ import annotations

from rider_core.api.jobs import BatchItem, JobProblem
from rider_core.jobs.store.batch_chunks import BatchChunk, items_of

PROBLEM = JobProblem(code="crashed", message='two\nlines, and a "quote"')


def test_ranges_gaps_and_problems() -> None:
    chunk = BatchChunk()
    assert not chunk
    chunk.add_results([0, 1, 4], b'{"n":0},{"n":1},{"n":4}')
    chunk.add_problem(2, PROBLEM)
    chunk.add_results([7, 6], b'{"n":7},{"n":6}')
    assert chunk
    stored = chunk.to_json()
    assert stored.startswith(b'{"done":"0-1,4,7,6","failed":"2","problems":[{')
    items = items_of([stored], 9)
    expected = [{"n": 0}, {"n": 1}, None, None, {"n": 4}, None, {"n": 6}, {"n": 7}, None]
    assert [item.result for item in items] == expected
    assert [number for number, item in enumerate(items) if item.problem] == [2]
    assert items[2].problem == PROBLEM
    assert items[3] == BatchItem()


def test_a_later_chunk_replaces_an_earlier_one() -> None:
    first, second = BatchChunk(), BatchChunk()
    first.add_results([0], b"{}")
    first.add_problem(1, PROBLEM)
    first.add_problem(2, PROBLEM)
    second.add_results([2], b'{"n":2}')
    chunks = [first.to_json(), second.to_json()]
    assert items_of(chunks, 4) == [BatchItem({}), BatchItem(problem=PROBLEM), BatchItem({"n": 2}), BatchItem()]
