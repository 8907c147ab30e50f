"""One attempt at a batch: its items in groups of the engine's `max_batch`, with results stored as they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator

from rider_core.api.jobs import BatchSpec, JobProblem, Progress
from rider_core.api.messages import Message, parse_message, parse_messages
from rider_core.errors import BackendUnavailable, InvalidInput
from rider_core.jobs import AttemptResult, BatchChunk, JobConsumer, Outcome
from rider_core.timing import Stopwatch
from rider_core.worker.engine_calls import EngineCalls
from rider_core.worker.prepared_job import PERMANENT, PreparedJob, problem_of
from rider_core.worker.tasks import (
    Cancelled,
    fits_with,
    json_of_many_with_provenance,
    json_with_provenance,
)

#: Interval in seconds at which the results of items are stored: the delay of the visible progress, and the amount of
#: work that is repeated if the worker dies.
STORE_EVERY_S = 0.05


class BatchRun:
    """Runs the items of a batch that have no result from earlier attempts."""

    def __init__(self, job: PreparedJob, consumer: JobConsumer, engine_calls: EngineCalls) -> None:
        assert isinstance(job.spec, BatchSpec)
        assert job.provider is not None
        assert job.task is not None
        self._job = job
        self._spec = job.spec
        self._provider = job.provider
        self._task = job.task
        self._consumer = consumer
        self._engine_calls = engine_calls
        self._done: set[int] = set()
        self._failed_before: set[int] = set()
        self._failed: dict[int, JobProblem] = {}
        self._retryable = False

    def run(self) -> AttemptResult:
        """Run the items that have no result yet.

        Raises:
            Cancelled: it was cancelled, or is leased to another worker now.
            BackendUnavailable, redis.RedisError: Redis cannot be reached.
        """
        leased = self._job.active.leased
        if leased.attempt > 1:
            self._done, self._failed_before = self._consumer.finished_items(leased)
        chunk = BatchChunk()
        watch = Stopwatch.start()
        for numbers in self._groups([n for n in range(self._spec.items) if n not in self._done]):
            if self._job.active.cancelled:
                raise Cancelled
            self._run_group(numbers, chunk)
            if watch.elapsed_s > STORE_EVERY_S:
                self._store(chunk)
                chunk, watch = BatchChunk(), Stopwatch.start()
        if chunk:
            self._store(chunk)
        return self._end()

    def _groups(self, numbers: list[int]) -> Iterator[list[int]]:
        size = self._provider.max_batch
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]

    def _run_group(self, numbers: list[int], chunk: BatchChunk) -> None:
        """Run these items, and add their results and problems to the chunk."""
        together: dict[Hashable, dict[int, Message]] = defaultdict(dict)
        for number, request in self._requests(numbers, chunk).items():
            together[fits_with(request)][number] = request
        for requests in together.values():
            self._run_together(requests, chunk)

    def _requests(self, numbers: list[int], chunk: BatchChunk) -> dict[int, Message]:
        """The requests of these items. An item whose payload is invalid is added to the chunk as a problem."""
        payloads = [self._spec.payloads[number] for number in numbers]
        try:
            return dict(zip(numbers, parse_messages(self._task.request, payloads), strict=True))
        except InvalidInput:
            pass  # validated one by one below, to find out which is invalid
        requests: dict[int, Message] = {}
        for number, payload in zip(numbers, payloads, strict=True):
            try:
                requests[number] = parse_message(self._task.request, payload)
            except InvalidInput as error:
                self._add_problem(number, error, chunk)
        return requests

    def _run_together(self, requests: dict[int, Message], chunk: BatchChunk) -> None:
        """Run the requests together. Where that fails, run each solo, to find out which one fails."""
        provider = self._provider
        if len(requests) > 1:
            self._job.active.start_engine_call()
            try:
                results = self._engine_calls.together(provider, self._task, list(requests.values()))
                chunk.add_results(list(requests), json_of_many_with_provenance(results, provider))
                return
            except BackendUnavailable:
                raise
            except Exception:  # a plugin's code may raise anything. Each item gets its own problem below.
                pass
        for number, request in requests.items():
            self._run_solo(number, request, chunk)

    def _run_solo(self, number: int, request: Message, chunk: BatchChunk) -> None:
        provider = self._provider
        self._job.active.start_engine_call()
        try:
            result = self._engine_calls.single(provider, self._task, request, lambda _: None)
            chunk.add_results([number], json_with_provenance(result, provider))
        except BackendUnavailable:
            raise
        except Exception as error:  # a plugin's code may raise anything
            self._add_problem(number, error, chunk)

    def _add_problem(self, number: int, error: Exception, chunk: BatchChunk) -> None:
        self._retryable = self._retryable or not isinstance(error, PERMANENT)
        self._failed[number] = problem_of(error)
        chunk.add_problem(number, self._failed[number])

    def _store(self, chunk: BatchChunk) -> None:
        self._done.update(chunk.done)
        # An item that failed in an earlier attempt counts as failed until it has a result.
        self._failed_before.difference_update(chunk.done, chunk.problems)
        failed = len(self._failed_before | self._failed.keys())
        progress = Progress(total=self._spec.items, done=len(self._done), failed=failed)
        provider = self._provider
        if not self._consumer.commit_items(self._job.active.leased, chunk, progress, provider.name, provider.mock):
            raise Cancelled

    def _end(self) -> AttemptResult:
        if not self._failed:
            return AttemptResult(self._job.active.leased, Outcome.DONE, "", self._provider.name, self._provider.mock)
        first = min(self._failed)
        reason = self._failed[first].message
        problem = JobProblem(
            code="partial",
            message=f"{len(self._failed)} of {self._spec.items} items failed; item {first}: {reason}",
            remedy=self._failed[first].remedy,
        )
        return self._job.failed_with(problem, Outcome.FAILED if self._retryable else Outcome.PERMANENT)
