"""Runs leased jobs. Each ends with a result, with a problem, or without either because it was cancelled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import redis

from rider_core.api.jobs import BatchSpec, JobSpec
from rider_core.api.messages import Result
from rider_core.api.provider import Provider
from rider_core.errors import BackendUnavailable, InvalidInput, JobRefused, RiderError
from rider_core.eventbus import EventBus
from rider_core.jobs import AttemptResult, JobConsumer, Outcome
from rider_core.metrics import REFUSED
from rider_core.timing import Stopwatch
from rider_core.worker.attempt import ActiveJob, CompletedAttempt
from rider_core.worker.batch_sizer import BatchSizer
from rider_core.worker.batches import BatchRun
from rider_core.worker.breakers import Breakers
from rider_core.worker.cached_generator import CachedGenerator
from rider_core.worker.openings import StillOpening
from rider_core.worker.prepared_job import PreparedJob, groups
from rider_core.worker.provider_pool import ProviderPool
from rider_core.worker.tasks import Cancelled, json_with_provenance, perform, perform_together, with_provenance

log = logging.getLogger(__name__)

#: Delay in seconds before a job whose engine is being opened is tried again.
PUT_OFF_S = 0.25


class JobRunner:
    """Runs the jobs that one worker has leased."""

    def __init__(
        self,
        consumer: JobConsumer,
        pool: ProviderPool,
        breakers: Breakers,
        generator: CachedGenerator,
        bus: EventBus,
        batch_sizer: BatchSizer,
    ) -> None:
        self._consumer = consumer
        self._pool = pool
        self._breakers = breakers
        self._generator = generator
        self._bus = bus
        self._batch_sizer = batch_sizer
        self._provider: Provider | None = None

    @property
    def provider_name(self) -> str | None:
        """The provider that runs a job now, or ran the last one; None: no job has run yet."""
        return self._provider.name if self._provider else None

    def run(self, leased_jobs: Sequence[ActiveJob], ready: Callable[[], None]) -> Iterator[CompletedAttempt]:
        """Do the work; nothing is raised for what a job or a provider did.

        Args:
            ready: Called before an engine is asked: it may end the process.

        Raises:
            BackendUnavailable: Redis cannot be reached. The leases will run out.
        """
        jobs: list[PreparedJob] = []
        engines: dict[tuple[str, str | None], Provider] = {}
        for held in leased_jobs:
            job = PreparedJob(held)
            try:
                job.prepare(self._pool, engines)
                jobs.append(job)
            except BackendUnavailable:
                raise
            except StillOpening as error:
                log.debug("job %s is put off: %s", held.leased.id, error)
                held.over = True
                yield CompletedAttempt(
                    AttemptResult(held.leased, Outcome.POSTPONED, delay_s=PUT_OFF_S), job.task_name, 0.0
                )
            except Exception as error:  # a plugin's code, when it is opened: the edge of the house
                yield self._done(job, self._failed(job, error), 0.0)
        ready()
        for group in groups(jobs):
            yield from self._run_group(group)

    def _run_group(self, group: list[PreparedJob]) -> Iterator[CompletedAttempt]:
        """Those that fit together are done together; where that fails, one by one, to find out whose fault it is."""
        wanted = [job for job in group if not job.held.unwanted]
        if not wanted:
            return
        self._provider = wanted[0].provider
        watch = Stopwatch.start()
        for job in wanted:
            job.held.begin()
        if len(wanted) > 1:
            try:
                results = self._run_together(wanted)
            except BackendUnavailable:
                raise
            except Exception as error:  # a plugin's code: the edge of the house
                log.warning("%d jobs together failed, they are tried one by one: %s", len(wanted), error)
            else:
                each_s = watch.elapsed_s / len(wanted)
                for job, result in zip(wanted, results, strict=True):
                    yield self._done(job, self._succeeded(job, result), each_s)
                return
        for job in wanted:
            watch = Stopwatch.start()
            ended = self._run_alone(job)
            if ended is not None:
                yield self._done(job, ended, watch.elapsed_s)

    def _run_alone(self, job: PreparedJob) -> AttemptResult | None:
        """Run one job for itself. None: it was cancelled, and its result is not stored."""
        job.held.begin()
        self._pool.time_left.track([job.spec])
        try:
            if isinstance(job.spec, BatchSpec):
                return BatchRun(job, self._consumer, self._breakers, self._generator).run()
            return self._succeeded(job, self._run_single(job))
        except (BackendUnavailable, redis.RedisError):
            raise
        except Cancelled:
            job.held.over = True
            return None
        except Exception as error:  # a plugin's code: the edge of the house
            return self._failed(job, error)

    def _run_single(self, job: PreparedJob) -> Result:
        provider, request, spec = job.provider, job.request, job.spec
        assert provider is not None
        assert request is not None
        assert isinstance(spec, JobSpec)

        def emit(partial: Result) -> None:
            if job.held.unwanted:
                raise Cancelled
            if spec.stream:
                job.shown = True
                self._bus.publish_partial(spec.id, with_provenance(partial, provider))

        return self._breakers.call(provider.name, lambda: perform(provider, request, emit, self._generator))

    def _run_together(self, jobs: Sequence[PreparedJob]) -> list[Result]:
        provider = jobs[0].provider
        assert provider is not None
        requests = [job.request for job in jobs if job.request is not None]
        self._pool.time_left.track([job.spec for job in jobs])
        return self._breakers.call(provider.name, lambda: perform_together(provider, requests, self._generator))

    def _succeeded(self, job: PreparedJob, result: Result) -> AttemptResult:
        provider = job.provider
        assert provider is not None
        return AttemptResult(
            job.held.leased, Outcome.DONE, json_with_provenance(result, provider), provider.name, provider.mock
        )

    def _failed(self, job: PreparedJob, error: Exception) -> AttemptResult:
        if isinstance(error, RiderError):
            log.warning("job %s (%s): %s", job.held.leased.id, job.task_name, error)
        else:
            log.exception("job %s: the provider raised", job.held.leased.id)
        if isinstance(error, InvalidInput | JobRefused):
            REFUSED.labels("worker", error.code).inc()
        return job.failed(error)

    def _done(self, job: PreparedJob, ended: AttemptResult, seconds: float) -> CompletedAttempt:
        job.held.over = True
        self._batch_sizer.observe(job.task_name, seconds)
        return CompletedAttempt(ended, job.task_name, seconds)
