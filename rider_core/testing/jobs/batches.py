"""The contract of a job backend: batches, many payloads as one job."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from rider_core.api.jobs import (
    MAX_BATCH_ITEMS,
    AnySpec,
    BatchItem,
    BatchSpec,
    JobState,
    Progress,
    RetryPolicy,
)
from rider_core.errors import InvalidInput, JobFailed, JobNotFound, JobRefused, TooLarge
from rider_core.jobs import AttemptResult, Outcome
from rider_core.jobs.store import keys
from rider_core.jobs.store.batch_chunks import BatchChunk
from rider_core.testing.jobs.harness import PROBLEM, JobHarness, spec


def batch(number: int, **options: Any) -> BatchSpec:
    payloads = [{"prompt": f"item {n}"} for n in range(number)]
    return BatchSpec(**{"task": "text.generate", "payloads": payloads, **options})


def chunk(*numbers: int, failed: int | None = None) -> BatchChunk:
    """Results of the items `numbers`, and a problem of the item `failed`."""
    result = BatchChunk()
    if numbers:
        result.add_results(numbers, ",".join(json.dumps({"text": f"answer {n}"}) for n in numbers).encode())
    if failed is not None:
        result.add_problem(failed, PROBLEM)
    return result


def progress(done: int, failed: int = 0) -> Progress:
    return Progress(total=3, done=done, failed=failed)


class JobBatchContract:
    """Batches."""

    def test_a_batch_has_progress_and_a_result_for_each_item(self, harness: JobHarness) -> None:
        backend = harness.backend
        job_id = backend.submit_batch(batch(3))
        assert backend.get(job_id).progress == Progress(total=3, done=0, failed=0)
        leased = harness.dequeue()
        assert harness.consumer.commit_items(leased, chunk(0, 2), progress(2), "echo-text", True)
        assert backend.get(job_id).progress == Progress(total=3, done=2, failed=0)
        assert backend.batch_items(job_id) == [
            BatchItem(result={"text": "answer 0"}),
            BatchItem(),
            BatchItem(result={"text": "answer 2"}),
        ]
        assert harness.consumer.commit_items(leased, chunk(1), progress(3), "echo-text", True)
        assert harness.consumer.commit([AttemptResult(leased, Outcome.DONE, "", "echo-text", True)]) == [True]
        record = backend.wait(job_id, 1)
        assert (record.state, record.value(), record.mock) == (JobState.DONE, {}, True)
        assert [item.result for item in backend.batch_items(job_id)] == [{"text": f"answer {n}"} for n in range(3)]
        assert harness.kinds() == ["job.accepted", "job.started", "job.progress", "job.done"]
        assert 0 < harness.connection.ttl(keys.items_key(job_id)) <= keys.RESULT_TTL_S

    def test_only_the_items_that_failed_are_tried_again(self, harness: JobHarness) -> None:
        backend = harness.backend
        job_id = backend.submit_batch(batch(3, retry=RetryPolicy(max_attempts=2)))
        leased = harness.dequeue()
        harness.consumer.commit_items(leased, chunk(0, 2, failed=1), progress(2, 1), "echo-text", True)
        assert backend.get(job_id).progress == Progress(total=3, done=2, failed=1)
        harness.fail(leased)
        again = harness.dequeue()
        assert harness.consumer.finished_items(again) == ({0, 2}, {1})
        harness.consumer.commit_items(again, chunk(failed=1), progress(2, 1), "echo-text", True)
        assert backend.get(job_id).progress == Progress(total=3, done=2, failed=1)
        harness.fail(again)
        with pytest.raises(JobFailed):
            backend.wait(job_id, 1).value()
        assert backend.requeue(job_id)
        third = harness.dequeue()
        harness.consumer.commit_items(third, chunk(1), progress(3), "echo-text", True)
        harness.consumer.commit([AttemptResult(third, Outcome.DONE, "", "echo-text", True)])
        assert backend.get(job_id).progress == Progress(total=3, done=3, failed=0)
        assert backend.get(job_id).state is JobState.DONE

    def test_batches_and_single_jobs_are_submitted_together(self, harness: JobHarness) -> None:
        specs: list[AnySpec] = [batch(2), spec(), batch(3)]
        assert harness.backend.submit_many(specs) == [job.id for job in specs]
        for job in specs:
            leased = harness.dequeue()
            assert leased.id == job.id
            harness.consumer.commit([AttemptResult(leased, Outcome.DONE, "{}", "echo-text", True)])
        found = [harness.backend.get(job.id).progress for job in specs]
        assert [each and each.total for each in found] == [2, None, 3]

    def test_a_lost_lease_keeps_no_items(self, harness: JobHarness) -> None:
        job_id = harness.backend.submit_batch(batch(2))
        leased = harness.dequeue()
        harness.backend.cancel(job_id)
        assert not harness.consumer.commit_items(leased, chunk(0), progress(1), "echo-text", True)
        assert harness.backend.get(job_id).progress == Progress(total=2, done=0, failed=0)

    def test_what_is_wrong_with_a_batch_is_said_before_it_is_accepted(self, harness: JobHarness) -> None:
        with pytest.raises(InvalidInput, match="prompt: it is missing"):
            harness.backend.submit_batch(batch(2, payloads=[{"prompt": "x"}, {}]))
        with pytest.raises(JobRefused, match=r"voice.synthesize gives its result in a stream"):
            harness.backend.submit_batch(batch(1, task="voice.synthesize", payloads=[{"text": "hello"}]))
        with pytest.raises(ValueError, match=f"at most {MAX_BATCH_ITEMS} items"):
            batch(MAX_BATCH_ITEMS + 1)
        with pytest.raises(TooLarge, match="1001 jobs in one call"):
            harness.backend.submit_many([spec() for _ in range(1001)])
        with pytest.raises(JobNotFound, match="is no batch"):
            harness.backend.batch_items(harness.backend.submit(spec()))

    def test_a_batch_waits_for_its_time_and_expires_like_any_job(self, harness: JobHarness) -> None:
        late = harness.backend.submit_batch(batch(2, due_ts=time.time() + 60))
        gone = harness.backend.submit_batch(batch(2, deadline_ts=time.time() - 1))
        harness.assert_ends_undelivered(gone, JobState.EXPIRED)
        assert harness.backend.get(late).state is JobState.SCHEDULED
