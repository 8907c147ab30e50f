"""One attempt at one job: from the claim to what is committed. Every end is told: result, problem, or lease lost."""

from __future__ import annotations

import logging
import threading
import time
import traceback

from rider_core.api.jobs import JobProblem, JobSpec, RetryPolicy
from rider_core.api.messages import Result, ResultT, parse_message
from rider_core.api.provider import Provider
from rider_core.api.tasks import Task, task_named
from rider_core.errors import (
    BackendUnavailable,
    ConfigError,
    InvalidInput,
    JobRefused,
    ModelError,
    ProviderUnavailable,
    RiderError,
)
from rider_core.eventbus import EventBus
from rider_core.jobs.rq_backend import Claim, ClaimDesk, Outcome
from rider_core.jobs.rq_backend.codec import spec_from_data
from rider_core.metrics import JOB_SECONDS, JOBS_ENDED, REFUSED, RESULTS_DISCARDED
from rider_core.timing import Stopwatch
from rider_core.worker.bench import EngineBench
from rider_core.worker.breakers import Breakers
from rider_core.worker.tasks import Unwanted, perform

log = logging.getLogger(__name__)

#: So much of a foreign error's text is kept with the job, in characters.
MAX_MESSAGE = 500
#: Errors after which the same attempt would fail in the same way.
HOPELESS = (InvalidInput, JobRefused, ConfigError, ModelError, ProviderUnavailable)


class Attempt:
    """Runs one claim."""

    def __init__(
        self,
        claim: Claim,
        unwanted: threading.Event,
        desk: ClaimDesk,
        bench: EngineBench,
        breakers: Breakers,
        bus: EventBus,
    ) -> None:
        """
        Args:
            unwanted: Set when the job was cancelled or given to another worker; a stream is then stopped.
        """
        self._claim = claim
        self._unwanted = unwanted
        self._desk = desk
        self._bench = bench
        self._breakers = breakers
        self._bus = bus
        self._task_name = "unknown"
        self._retry: RetryPolicy | None = None
        self._provider: Provider | None = None
        self._watch = Stopwatch.start()

    @property
    def provider_name(self) -> str | None:
        """Who works on it; None: nobody yet."""
        return self._provider.name if self._provider else None

    def run(self) -> None:
        """Do the work and commit what came of it; never raises for what the job or the provider did.

        Raises:
            BackendUnavailable, redis.RedisError: it could not be committed; the lease will run out.
        """
        try:
            spec = spec_from_data(self._claim.data)
            task = task_named(spec.task)
            self._task_name = task.name
            self._retry = spec.retry or task.retry
            result = self._do(spec, task)
        except BackendUnavailable:
            raise
        except Unwanted:
            self._note("cancelled", kept=True)
        except RiderError as error:
            self._commit_error(error)
        except Exception as error:  # a plugin's code: the edge of the house
            log.exception("job %s: the provider raised", self._claim.id)
            self._commit_crash(error)
        else:
            self._commit_result(result)

    def _do(self, spec: JobSpec, task: Task) -> Result:
        request = parse_message(task.request, spec.payload)
        provider = self._provider = self._bench.engine(task, spec.provider)

        def emit(partial: Result) -> None:
            if self._unwanted.is_set():
                raise Unwanted
            if spec.stream:
                self._bus.publish_partial(spec.id, self._signed(partial))

        return self._signed(self._breakers.call(provider.name, lambda: perform(provider, request, emit)))

    def _signed(self, result: ResultT) -> ResultT:
        assert self._provider is not None
        return result.model_copy(update={"provider": self._provider.name, "mock": self._provider.mock})

    def _commit_result(self, result: Result) -> None:
        kept = self._desk.commit_result(self._claim, result.model_dump_json(), result.provider, result.mock)
        self._note("done", kept)

    def _commit_error(self, error: RiderError) -> None:
        hopeless = isinstance(error, HOPELESS)
        if isinstance(error, InvalidInput | JobRefused):
            REFUSED.labels("worker", error.code).inc()
        log.warning("job %s (%s): %s", self._claim.id, self._task_name, error)
        problem = JobProblem(code=error.code, message=error.message, remedy=error.remedy)
        self._commit_problem(Outcome.HOPELESS if hopeless else Outcome.FAILED, problem, "")

    def _commit_crash(self, error: Exception) -> None:
        problem = JobProblem(code="crashed", message=f"{type(error).__name__}: {str(error)[:MAX_MESSAGE]}")
        self._commit_problem(Outcome.FAILED, problem, traceback.format_exc(limit=20))

    def _commit_problem(self, outcome: Outcome, problem: JobProblem, trace: str) -> None:
        name = self.provider_name or ""
        delay_s = self._retry.delay_s(self._claim.attempt) if self._retry else 0.0
        self._note("failed", self._desk.commit_problem(self._claim, outcome, problem, name, trace, delay_s))

    def _note(self, outcome: str, kept: bool) -> None:
        JOB_SECONDS.labels(self._task_name).observe(self._watch.elapsed_s)
        if kept:
            JOBS_ENDED.labels(self._task_name, outcome).inc()
            log.info("job %s (%s) %s in %.0f ms", self._claim.id, self._task_name, outcome, self._watch.elapsed_ms)
        else:
            RESULTS_DISCARDED.labels(self._task_name).inc()
            log.warning("job %s: its lease was lost at %.0f, the result is discarded", self._claim.id, time.time())
