"""A leased job with its spec, task, request and engine, before the engine is called."""

from __future__ import annotations

import traceback
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rider_core.api.jobs import AnySpec, JobProblem, JobSpec, RetryPolicy
from rider_core.api.messages import Message, parse_message
from rider_core.api.provider import Provider
from rider_core.api.tasks import Task, task_named
from rider_core.errors import (
    ConfigError,
    InvalidInput,
    JobRefused,
    ModelError,
    ProviderUnavailable,
    RiderError,
)
from rider_core.jobs import AttemptResult, Outcome, spec_from_data
from rider_core.pluginhost import guarded
from rider_core.worker.attempt import ActiveJob
from rider_core.worker.provider_pool import ProviderPool
from rider_core.worker.tasks import fits_with

#: So much of a foreign error's text is kept with the job, in characters.
MAX_MESSAGE = 500
#: Errors after which the same attempt would fail in the same way.
PERMANENT = (InvalidInput, JobRefused, ConfigError, ModelError, ProviderUnavailable)


@dataclass
class PreparedJob:
    """One leased job. A field is empty where something before it is wrong.

    Attributes:
        request: Of a single job.
        shown: Partial results were published: another attempt would show them again.
    """

    held: ActiveJob
    spec: AnySpec | None = None
    task: Task | None = None
    provider: Provider | None = None
    request: Message | None = None
    shown: bool = False

    @property
    def task_name(self) -> str:
        return self.task.name if self.task else "unknown"

    def prepare(self, pool: ProviderPool, engines: dict[tuple[str, str | None], Provider]) -> None:
        """Find out what is wanted, and who does it.

        Args:
            engines: By task and wish, those that the jobs taken together have been given so far.

        Raises:
            InvalidInput, JobRefused: it is no job of ours, or its payload does not fit.
            ProviderUnavailable, ModelError, ConfigError, ProviderError: this worker has no engine for it.
        """
        self.spec = spec_from_data(self.held.leased.data)
        self.task = task_named(self.spec.task)
        if isinstance(self.spec, JobSpec):
            self.request = parse_message(self.task.request, self.spec.payload)
        wish = (self.task.name, self.spec.provider)
        if wish not in engines:
            engines[wish] = pool.engine(self.task, self.spec.provider)
        self.provider = engines[wish]

    def failed(self, error: Exception) -> AttemptResult:
        """The attempt's end where this was raised. Call it where the error is handled: its traceback is kept."""
        if isinstance(error, RiderError):
            outcome = Outcome.PERMANENT if isinstance(error, PERMANENT) else Outcome.FAILED
            return self.failed_with(problem_of(error), outcome)
        return self.failed_with(problem_of(error), Outcome.FAILED, traceback.format_exc(limit=20))

    def failed_with(self, problem: JobProblem, outcome: Outcome, trace: str = "") -> AttemptResult:
        """The attempt's end with a problem; another may follow after the rest that the policy says."""
        if self.shown and outcome is Outcome.FAILED:
            outcome = Outcome.PERMANENT
        retry: RetryPolicy | None = None
        if self.spec is not None and self.task is not None:
            retry = self.spec.retry or self.task.retry
        delay_s = retry.delay_s(self.held.leased.attempt) if retry else 0.0
        name = self.provider.name if self.provider else ""
        return AttemptResult.with_problem(
            self.held.leased, outcome, problem, provider=name, traceback=trace, delay_s=delay_s
        )


def problem_of(error: Exception) -> JobProblem:
    """What is kept of an error with the job."""
    if isinstance(error, RiderError):
        return JobProblem(code=error.code, message=error.message, remedy=error.remedy)
    return JobProblem(code="crashed", message=guarded.shown(error, MAX_MESSAGE))


def groups(works: Sequence[PreparedJob]) -> Iterator[list[PreparedJob]]:
    """Neighbours that an engine does together, as many at a time as it likes; the others alone."""
    for fit, neighbours in groupby(works, _fits_with):
        found = list(neighbours)
        provider = found[0].provider
        size = provider.max_batch if fit is not None and provider is not None else 1
        for start in range(0, len(found), size):
            yield found[start : start + size]


def _fits_with(work: PreparedJob) -> Hashable | None:
    """Results of jobs that run together have no partial results, so a job that streams runs alone."""
    single = isinstance(work.spec, JobSpec) and not work.spec.stream
    if not single or work.request is None or work.provider is None or work.provider.max_batch == 1:
        return None
    fit = fits_with(work.request)
    return (work.provider.name, fit) if fit is not None else None
