"""The contract of a job backend: lists of the jobs in a state, page by page."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from rider_core.api.jobs import JobPage, JobQuery, JobRecord, JobState, Priority
from rider_core.errors import InvalidInput, JobRefused
from rider_core.jobs import Outcome
from rider_core.jobs.store import keys, listing
from rider_core.testing.jobs.harness import JobHarness, spec

#: Cursors of waiting jobs whose id is no text, and whose place is no number.
SURROGATE = "WyJ3YWl0aW5nIiwwLDAsIlx1ZDgwMCJd"
NOT_A_NUMBER = "WyJ3YWl0aW5nIiwwLE5hTiwieCJd"


def pages_of(harness: JobHarness, between: Callable[[], None] = lambda: None, **query: Any) -> list[JobPage]:
    """All pages; `between` is called after each."""
    pages: list[JobPage] = []
    cursor: str | None = ""
    while cursor is not None:
        assert len(pages) < 50, "the list does not end"
        pages.append(harness.backend.list_jobs(JobQuery(cursor=cursor, **query)))
        cursor = pages[-1].next
        between()
    return pages


def jobs_of(pages: list[JobPage]) -> list[JobRecord]:
    return [job for page in pages for job in page.jobs]


def ids_of(pages: list[JobPage]) -> list[str]:
    return [job.id for job in jobs_of(pages)]


class JobListingContract:
    """Every job is in the list of its state, in the order that people expect."""

    def test_waiting_jobs_are_listed_in_the_order_in_which_they_run(self, harness: JobHarness) -> None:
        low, high = spec(priority=Priority.LOW), spec(priority=Priority.HIGH)
        speech = spec(task="voice.synthesize", payload={"text": "hello"})
        normal = [spec() for _ in range(5)]
        harness.backend.submit_many([low, *normal, high, speech])
        expected = [high.id, speech.id, *(job.id for job in normal), low.id]
        pages = pages_of(harness, state=JobState.WAITING, limit=3)
        assert ids_of(pages) == expected
        assert [len(page.jobs) for page in pages] == [3, 3, 2]
        assert {page.total for page in pages} == {8}
        assert ids_of(pages_of(harness, state=JobState.WAITING, queue="voice")) == [speech.id]
        assert ids_of(pages_of(harness, state=JobState.WAITING, limit=8)) == expected

    def test_no_waiting_job_is_left_out_while_workers_take_some(self, harness: JobHarness) -> None:
        ids = harness.backend.submit_many([spec() for _ in range(12)])
        harness.let_arrive()
        seen = ids_of(pages_of(harness, state=JobState.WAITING, limit=2, between=lambda: _take_one(harness)))
        assert seen == [job_id for job_id in ids if job_id in set(seen)], f"in their order, each once: {seen} of {ids}"
        waited_all_the_time = {job_id for job_id in ids if harness.backend.get(job_id).state is JobState.WAITING}
        assert waited_all_the_time <= set(seen)

    def test_every_state_has_its_list(self, harness: JobHarness) -> None:
        backend = harness.backend
        expired = backend.submit(spec(deadline_ts=time.time() - 1))
        harness.assert_ends_undelivered(expired, JobState.EXPIRED)
        scheduled = backend.submit_many([spec(due_ts=time.time() + due_s) for due_s in (90, 60)])
        (failed,) = harness.make_dead_letters(spec())
        done = backend.submit(spec())
        assert harness.done(harness.dequeue(), "hello")
        running = backend.submit(spec())
        harness.dequeue()
        cancelled, replaced = backend.submit_many([spec(), spec(newest_key="k")])
        backend.submit(spec(id="waits", newest_key="k"))
        assert backend.cancel(cancelled)
        found = {state: ids_of(pages_of(harness, state=state)) for state in JobState}
        assert found[JobState.SCHEDULED] == scheduled[::-1], "the one that is due first"
        assert found[JobState.FAILED] == [failed]
        assert found[JobState.DONE] == [done]
        assert running in found[JobState.RUNNING]
        assert found[JobState.CANCELLED] == [cancelled]
        assert found[JobState.REPLACED] == [replaced]
        assert found[JobState.EXPIRED] == [expired]
        ended = ids_of(pages_of(harness))
        assert ended[-2:] == [failed, expired], "the latest first"
        assert {failed, done, cancelled} <= set(ended)
        (job,) = jobs_of(pages_of(harness, state=JobState.DONE))
        assert (job.result, job.provider) == (None, "echo-text"), "a page has no results"

    def test_the_latest_first_also_where_thousands_ended_in_one_second(self, harness: JobHarness) -> None:
        """Registries of ended jobs have whole seconds as scores, so an order by score alone repeats and leaves out."""
        lane, later = "text", {f"later-{n}": 2_000_000_100 + n for n in range(3)}
        same = {f"same-{n:04}": 2_000_000_000 for n in range(500)}
        harness.connection.zadd(keys.failed_key(lane), {**later, **same})
        harness.connection.zadd(keys.failed_key("voice-high"), {f"same-v{n}": 2_000_000_000 for n in range(7)})
        for job_id in (*later, *same, *(f"same-v{n}" for n in range(7))):
            harness.connection.hset(keys.job_key(job_id), mapping={"status": "failed", "outcome": "failed"})
        pages = pages_of(harness, state=JobState.FAILED, limit=200)
        ids = ids_of(pages)
        assert ids[:3] == ["later-2", "later-1", "later-0"]
        assert len(ids) == len(set(ids)) == 510
        assert ids[3:] == sorted(ids[3:], reverse=True)
        assert [len(page.jobs) for page in pages] == [200, 200, 110]

    def test_a_page_goes_on_where_its_last_job_was_deleted(self, harness: JobHarness) -> None:
        ids = harness.make_dead_letters(*(spec() for _ in range(6)))
        seen: list[str] = []

        def purge_last() -> None:
            seen.extend(ids_of(pages[-1:]))
            harness.backend.purge(seen[-1])

        pages = [harness.backend.list_jobs(JobQuery(state=JobState.FAILED, limit=2))]
        purge_last()
        while (cursor := pages[-1].next) is not None:
            pages.append(harness.backend.list_jobs(JobQuery(state=JobState.FAILED, limit=2, cursor=cursor)))
            purge_last()
        assert sorted(seen) == sorted(ids)

    def test_filters(self, harness: JobHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        (failed,) = harness.make_dead_letters(spec())
        assert ids_of(pages_of(harness, state=JobState.FAILED, search="BOOM")) == [failed]
        assert ids_of(pages_of(harness, state=JobState.FAILED, provider="another")) == []
        wanted = [spec(origin="robot"), spec(origin="robot", trace_id="ab" * 16)]
        harness.backend.submit_many([*(spec(origin="cli") for _ in range(8)), *wanted])
        ids = [job.id for job in wanted]
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({"origin": "robot"}, ids),
            ({"search": ids[0][4:20].upper()}, ids[:1]),
            ({"search": "abab" * 8}, ids[1:]),
            ({"task": "voice.transcribe"}, []),
        ]
        for query, expected in cases:
            assert ids_of(pages_of(harness, state=JobState.WAITING, **query)) == expected, query
        monkeypatch.setattr(listing, "MAX_EXAMINED", 3)
        pages = pages_of(harness, state=JobState.WAITING, origin="robot", limit=1)
        assert ids_of(pages) == ids
        assert any(not page.jobs and page.next for page in pages), "a page looks at so many jobs, and says so"

    @pytest.mark.parametrize("cursor", ["x", "AAAA", "W10", "bnVsbA", "żółw", "W" * 400, SURROGATE, NOT_A_NUMBER])
    def test_a_wrong_cursor_is_refused(self, harness: JobHarness, cursor: str) -> None:
        with pytest.raises(InvalidInput, match="is not from a list of waiting jobs"):
            harness.backend.list_jobs(JobQuery(state=JobState.WAITING, cursor=cursor))

    def test_a_cursor_of_another_state_and_an_unknown_queue_are_refused(self, harness: JobHarness) -> None:
        harness.backend.submit_many([spec() for _ in range(2)])
        page = harness.backend.list_jobs(JobQuery(state=JobState.WAITING, limit=1))
        assert page.next is not None
        with pytest.raises(InvalidInput, match="is not from a list of done jobs"):
            harness.backend.list_jobs(JobQuery(state=JobState.DONE, cursor=page.next))
        with pytest.raises(JobRefused, match="there is no queue 'legs'"):
            harness.backend.list_jobs(JobQuery(state=JobState.DONE, queue="legs"))

    def test_details_have_what_was_submitted(self, harness: JobHarness) -> None:
        job = spec(payload={"prompt": "who are you?"})
        harness.backend.submit(job)
        details = harness.backend.details(job.id)
        assert (details.record.state, details.payload, details.traceback) == (JobState.WAITING, job.payload, "")
        assert harness.fail(harness.dequeue(), Outcome.PERMANENT, trace="Traceback: at line 1")
        assert harness.backend.details(job.id).traceback == "Traceback: at line 1"


def _take_one(harness: JobHarness) -> None:
    harness.consumer.dequeue()
