"""Runs leased jobs. Each ends with a result, with a problem, or without either because it was cancelled."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby

import redis

from rider_core.api.jobs import BatchSpec, JobSpec
from rider_core.api.messages import Result
from rider_core.api.provider import Provider
from rider_core.errors import BackendUnavailable, InvalidInput, JobRefused, RiderError
from rider_core.eventbus import EventBus
from rider_core.jobs import AttemptResult, JobConsumer, Outcome
from rider_core.metrics import REFUSED
from rider_core.timing import Stopwatch
from rider_core.tracing import is_exporting, record_span, traced
from rider_core.worker.attempt import ActiveJob, CompletedAttempt
from rider_core.worker.batch_sizer import BatchSizer
from rider_core.worker.batches import BatchRun
from rider_core.worker.engine_calls import EngineCalls
from rider_core.worker.openings import StillOpening
from rider_core.worker.prepared_job import PreparedJob
from rider_core.worker.provider_pool import ProviderPool
from rider_core.worker.tasks import (
    Cancelled,
    fits_with,
    json_with_provenance,
    with_provenance,
)

log = logging.getLogger(__name__)

#: Delay in seconds after which a job whose engine is being opened is due again.
POSTPONE_S = 0.25


class JobRunner:
    """Runs the jobs that one worker has leased."""

    def __init__(
        self,
        consumer: JobConsumer,
        pool: ProviderPool,
        engine_calls: EngineCalls,
        bus: EventBus,
        batch_sizer: BatchSizer,
    ) -> None:
        self._consumer = consumer
        self._pool = pool
        self._engine_calls = engine_calls
        self._bus = bus
        self._batch_sizer = batch_sizer
        self._provider: Provider | None = None

    @property
    def provider_name(self) -> str | None:
        """The provider that runs a job now, or ran the last one; None: no job has run yet."""
        return self._provider.name if self._provider else None

    def run(
        self, active_jobs: Sequence[ActiveJob], before_engine_call: Callable[[], None]
    ) -> Iterator[CompletedAttempt]:
        """Run the jobs. Errors of a job or a provider are in the results, and not raised.

        Args:
            before_engine_call: Called once before engines are called: these may end the process.

        Raises:
            BackendUnavailable: Redis cannot be reached. The leases will run out.
        """
        jobs: list[PreparedJob] = []
        engines: dict[tuple[str, str | None], Provider] = {}
        for active in active_jobs:
            job = PreparedJob(active)
            try:
                job.prepare(self._pool, engines)
                jobs.append(job)
            except BackendUnavailable:
                raise
            except StillOpening as error:
                log.debug("job %s is postponed: %s", active.leased.id, error)
                active.ended = True
                yield CompletedAttempt(
                    AttemptResult(active.leased, Outcome.POSTPONED, delay_s=POSTPONE_S),
                    job.task_name,
                    0.0,
                    job.trace_id,
                )
            except Exception as error:  # opening runs a plugin's code, which may raise anything
                yield self._completed(job, self._failed(job, error), 0.0)
        before_engine_call()
        for group in _groups(jobs):
            yield from self._run_group(group)

    def _run_group(self, group: list[PreparedJob]) -> Iterator[CompletedAttempt]:
        """Run the jobs together. Where that fails, run each solo, to find out which one fails."""
        live = [job for job in group if not job.active.cancelled]
        if not live:
            return
        self._provider = live[0].provider
        watch = Stopwatch.start()
        for job in live:
            job.active.start_engine_call()
        if len(live) > 1:
            try:
                results = self._run_together(live)
            except BackendUnavailable:
                raise
            except Exception as error:  # a plugin's code may raise anything
                log.warning("%d jobs together failed, they are tried one by one: %s", len(live), error)
            else:
                each_s = watch.elapsed_s / len(live)
                for job, result in zip(live, results, strict=True):
                    yield self._completed(job, self._succeeded(job, result), each_s)
                return
        for job in live:
            watch = Stopwatch.start()
            with traced(job.trace_id):
                attempt_result = self._run_solo(job)
            if attempt_result is not None:
                yield self._completed(job, attempt_result, watch.elapsed_s)

    def _run_solo(self, job: PreparedJob) -> AttemptResult | None:
        """Run one job. None: it was cancelled, and has no result to store."""
        job.active.start_engine_call()
        self._pool.time_left.track([job.spec])
        try:
            if isinstance(job.spec, BatchSpec):
                return BatchRun(job, self._consumer, self._engine_calls).run()
            return self._succeeded(job, self._run_single(job))
        except (BackendUnavailable, redis.RedisError):
            raise
        except Cancelled:
            job.active.ended = True
            return None
        except Exception as error:  # a plugin's code may raise anything
            return self._failed(job, error)

    def _run_single(self, job: PreparedJob) -> Result:
        provider, task, request, spec = job.provider, job.task, job.request, job.spec
        assert provider is not None
        assert task is not None
        assert request is not None
        assert isinstance(spec, JobSpec)

        def emit(partial: Result) -> None:
            if job.active.cancelled:
                raise Cancelled
            if spec.stream:
                job.has_streamed = True
                self._bus.publish_partial(spec.id, with_provenance(partial, provider))

        return self._engine_calls.single(provider, task, request, emit)

    def _run_together(self, jobs: Sequence[PreparedJob]) -> list[Result]:
        provider, task = jobs[0].provider, jobs[0].task
        assert provider is not None
        assert task is not None
        requests = [job.request for job in jobs if job.request is not None]
        self._pool.time_left.track([job.spec for job in jobs])
        return self._engine_calls.together(provider, task, requests)

    def _succeeded(self, job: PreparedJob, result: Result) -> AttemptResult:
        provider = job.provider
        assert provider is not None
        return AttemptResult(
            job.active.leased, Outcome.DONE, json_with_provenance(result, provider), provider.name, provider.mock
        )

    def _failed(self, job: PreparedJob, error: Exception) -> AttemptResult:
        if isinstance(error, RiderError):
            log.warning("job %s (%s): %s", job.active.leased.id, job.task_name, error)
        else:
            log.exception("job %s: the provider raised", job.active.leased.id)
        if isinstance(error, InvalidInput | JobRefused):
            REFUSED.labels("worker", error.code).inc()
        return job.failed(error)

    def _completed(self, job: PreparedJob, result: AttemptResult, seconds: float) -> CompletedAttempt:
        job.active.ended = True
        self._batch_sizer.observe(job.task_name, seconds)
        if is_exporting():
            _record_spans(job, result)
        return CompletedAttempt(result, job.task_name, seconds, job.trace_id)


def _record_spans(job: PreparedJob, result: AttemptResult) -> None:
    """Record how long the job waited, and how long this attempt ran."""
    leased, now = result.leased, time.time()
    about: dict[str, str | int] = {
        "rider.job": leased.id,
        "rider.task": job.task_name,
        "rider.provider": result.provider,
    }
    submitted_ts = leased.submitted_ts or leased.started_ts
    if leased.attempt == 1:
        record_span(job.trace_id, f"{job.task_name} waits", submitted_ts, leased.started_ts, about)
    error = "" if result.outcome is Outcome.DONE else result.outcome.value
    record_span(
        job.trace_id,
        f"{job.task_name} runs",
        leased.started_ts,
        now,
        {**about, "rider.attempt": leased.attempt},
        error=error,
    )


def _groups(jobs: Sequence[PreparedJob]) -> Iterator[list[PreparedJob]]:
    """Consecutive jobs that one engine runs together, `max_batch` at most; each other job solo."""
    for fit, neighbours in groupby(jobs, _fits_with):
        alike = list(neighbours)
        provider = alike[0].provider
        size = provider.max_batch if fit is not None and provider is not None else 1
        for start in range(0, len(alike), size):
            yield alike[start : start + size]


def _fits_with(job: PreparedJob) -> Hashable | None:
    """Jobs with the same value may run together; None: it runs solo. Jobs that run together have no partial results."""
    single = isinstance(job.spec, JobSpec) and not job.spec.stream
    if not single or job.request is None or job.provider is None or job.provider.max_batch == 1:
        return None
    fit = fits_with(job.request)
    return (job.provider.name, fit) if fit is not None else None
