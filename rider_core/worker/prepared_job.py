"""A leased job with its spec, task, request and engine, before the engine is called."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

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

#: Maximum length of a plugin's error message that is stored with the job, in characters.
MAX_MESSAGE = 500
#: Errors after which the same attempt would fail in the same way.
PERMANENT = (InvalidInput, JobRefused, ConfigError, ModelError, ProviderUnavailable)


@dataclass
class PreparedJob:
    """One leased job. A field is empty where something before it is wrong.

    Attributes:
        request: Of a single job.
        has_streamed: Partial results were published: another attempt would publish them again.
    """

    active: ActiveJob
    spec: AnySpec | None = None
    task: Task | None = None
    provider: Provider | None = None
    request: Message | None = None
    has_streamed: bool = False

    @property
    def task_name(self) -> str:
        return self.task.name if self.task else "unknown"

    @property
    def trace_id(self) -> str:
        """Of the job; its own id where it was given none."""
        return (self.spec.trace_id if self.spec else None) or self.active.leased.id

    def prepare(self, pool: ProviderPool, engines: dict[tuple[str, str | None], Provider]) -> None:
        """Read the job's spec, and find the engine for it.

        Args:
            engines: Engines by task and requested provider that were found for the other jobs of this call so far.

        Raises:
            InvalidInput, JobRefused: it is no job of ours, or its payload does not fit.
            ProviderUnavailable, ModelError, ConfigError, ProviderError: this worker has no engine for it.
        """
        self.spec = spec_from_data(self.active.leased.data)
        self.task = task_named(self.spec.task)
        if isinstance(self.spec, JobSpec):
            self.request = parse_message(self.task.request, self.spec.payload)
        key = (self.task.name, self.spec.provider)
        if key not in engines:
            engines[key] = pool.engine(self.task, self.spec.provider)
        self.provider = engines[key]

    def failed(self, error: Exception) -> AttemptResult:
        """The result of an attempt that raised `error`. To be called in the `except` block: it stores the traceback."""
        if isinstance(error, RiderError):
            outcome = Outcome.PERMANENT if isinstance(error, PERMANENT) else Outcome.FAILED
            return self.failed_with(problem_of(error), outcome)
        return self.failed_with(problem_of(error), Outcome.FAILED, traceback.format_exc(limit=20))

    def failed_with(self, problem: JobProblem, outcome: Outcome, trace: str = "") -> AttemptResult:
        """The result of an attempt with a problem; another attempt may follow after the policy's delay."""
        if self.has_streamed and outcome is Outcome.FAILED:
            outcome = Outcome.PERMANENT
        retry: RetryPolicy | None = None
        if self.spec is not None and self.task is not None:
            retry = self.spec.retry or self.task.retry
        delay_s = retry.delay_s(self.active.leased.attempt) if retry else 0.0
        name = self.provider.name if self.provider else ""
        return AttemptResult.with_problem(
            self.active.leased, outcome, problem, provider=name, traceback=trace, delay_s=delay_s
        )


def problem_of(error: Exception) -> JobProblem:
    """The problem that is stored with the job."""
    if isinstance(error, RiderError):
        return JobProblem(code=error.code, message=error.message, remedy=error.remedy)
    return JobProblem(code="crashed", message=guarded.shown(error, MAX_MESSAGE))
