"""The call that commits the results of attempts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rider_core.api.jobs import JobProblem
from rider_core.jobs.leased_job import AttemptResult, Outcome
from rider_core.jobs.store import keys
from rider_core.jobs.store.events import event, quoted
from rider_core.jobs.store.metadata import JobMetadata
from rider_core.jobs.store.protocol import FLAGS, FinishedAttempt, FinishHead
from rider_core.jobs.store.rq_format import packed_traceback, rq_time
from rider_core.redis_functions import Call, Function

_MOCK, _STREAMS, _BATCH, _RETRY, _LONG = FLAGS.values()


def finish_call(finish: Function, worker: str, results: Sequence[AttemptResult]) -> Call:
    """Commit these results of the worker."""
    now = time.time()
    head = FinishHead(worker, now, rq_time(now), now + keys.RESULT_TTL_S)
    return finish.prepare(head, [_finished(result, worker, now) for result in results])


def _finished(result: AttemptResult, worker: str, now: float) -> FinishedAttempt:
    leased, metadata = result.leased, JobMetadata.unpack(result.leased.metadata)
    submitted_ts = float(metadata.submitted_ts) if metadata.submitted_ts else None
    done = result.outcome is Outcome.DONE
    return FinishedAttempt(
        leased.id,
        leased.lane,
        leased.execution,
        metadata.task,
        _flags(result, metadata),
        now - leased.started_ts,
        "" if submitted_ts is None else now - submitted_ts,
        result.outcome.value,
        result.provider,
        result.body,
        result.traceback,
        _rq_traceback(result),
        result.delay_s,
        _done_event(result, metadata, worker, now, submitted_ts) if done else "",
    )


def _done_event(
    result: AttemptResult, metadata: JobMetadata, worker: str, now: float, submitted_ts: float | None
) -> str:
    leased = result.leased
    waited = "" if submitted_ts is None else f',"waited_ms":{1000 * (leased.started_ts - submitted_ts):.0f}'
    mock = "true" if result.mock else "false"
    more = (
        f',"worker":{quoted(worker)},"provider":{quoted(result.provider)},"mock":{mock}'
        f'{waited},"ran_ms":{1000 * (now - leased.started_ts):.0f}'
    )
    return event("job.done", now, leased.id, metadata, leased.attempt, worker, more)


def _rq_traceback(result: AttemptResult) -> str:
    """The traceback, or where there is none, the problem; a result after which the job may go on has neither."""
    if result.outcome not in (Outcome.FAILED, Outcome.PERMANENT):
        return ""
    return packed_traceback(result.traceback or JobProblem.model_validate_json(result.body).message)


def _flags(result: AttemptResult, metadata: JobMetadata) -> str:
    return (
        _MOCK * result.mock
        + _STREAMS * (metadata.streams == "1")
        + _BATCH * metadata.is_batch
        + _RETRY * (result.leased.attempt > 1)
        + _LONG * (len(result.leased.data) > keys.LONG_DATA_BYTES)
    )
