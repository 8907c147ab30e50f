"""One attempt at a batch: its items in groups as large as the engine likes, and what came of each kept at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator

from rider_core.api.jobs import BatchSpec, JobProblem, Progress
from rider_core.api.messages import Message, parse_message, parse_messages
from rider_core.errors import BackendUnavailable, InvalidInput
from rider_core.jobs import AttemptResult, BatchChunk, JobConsumer, Outcome
from rider_core.timing import Stopwatch
from rider_core.worker.breakers import Breakers
from rider_core.worker.cached_generator import CachedGenerator
from rider_core.worker.prepared_job import PERMANENT, PreparedJob, problem_of
from rider_core.worker.tasks import (
    Cancelled,
    fits_with,
    json_of_many_with_provenance,
    json_with_provenance,
    perform,
    perform_together,
)

#: What came of items is stored that often, in seconds: so old is the progress that others see, and so much work is
#: done again where the worker dies.
STORE_EVERY_S = 0.05


class BatchRun:
    """Runs the items of a batch that earlier attempts have not brought to their end."""

    def __init__(self, job: PreparedJob, consumer: JobConsumer, breakers: Breakers, generator: CachedGenerator) -> None:
        assert isinstance(job.spec, BatchSpec)
        assert job.provider is not None
        assert job.task is not None
        self._job = job
        self._spec = job.spec
        self._provider = job.provider
        self._request_type = job.task.request
        self._consumer = consumer
        self._breakers = breakers
        self._generator = generator
        self._done: set[int] = set()
        self._failed_before: set[int] = set()
        self._failed: dict[int, JobProblem] = {}
        self._hopeful = False

    def run(self) -> AttemptResult:
        """Do what is left of the batch.

        Raises:
            Unwanted: it was cancelled, or is another worker's now.
            BackendUnavailable, redis.RedisError: Redis cannot be reached.
        """
        leased = self._job.held.leased
        if leased.attempt > 1:
            self._done, self._failed_before = self._consumer.finished_items(leased)
        report = BatchChunk()
        watch = Stopwatch.start()
        for numbers in self._portions([n for n in range(self._spec.items) if n not in self._done]):
            if self._job.held.unwanted:
                raise Cancelled
            self._ask(numbers, report)
            if watch.elapsed_s > STORE_EVERY_S:
                self._store(report)
                report, watch = BatchChunk(), Stopwatch.start()
        if report:
            self._store(report)
        return self._end()

    def _portions(self, numbers: list[int]) -> Iterator[list[int]]:
        size = self._provider.max_batch
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]

    def _ask(self, numbers: list[int], report: BatchChunk) -> None:
        """Let the engine work on these items, and add what comes of them to the report."""
        together: dict[Hashable, dict[int, Message]] = defaultdict(dict)
        for number, request in self._requests(numbers, report).items():
            together[fits_with(request)][number] = request
        for requests in together.values():
            self._answer(requests, report)

    def _requests(self, numbers: list[int], report: BatchChunk) -> dict[int, Message]:
        """What is asked in these items; those that do not fit have their outcome already."""
        payloads = [self._spec.payloads[number] for number in numbers]
        try:
            return dict(zip(numbers, parse_messages(self._request_type, payloads), strict=True))
        except InvalidInput:
            pass  # one by one, then, to find out which
        requests: dict[int, Message] = {}
        for number, payload in zip(numbers, payloads, strict=True):
            try:
                requests[number] = parse_message(self._request_type, payload)
            except InvalidInput as error:
                self._add_problem(number, error, report)
        return requests

    def _answer(self, requests: dict[int, Message], report: BatchChunk) -> None:
        """Together; where that fails one by one, to find out whose fault it is."""
        provider = self._provider
        if len(requests) > 1:
            self._job.held.begin()
            try:
                many = list(requests.values())
                results = self._breakers.call(provider.name, lambda: perform_together(provider, many, self._generator))
                report.add_results(list(requests), json_of_many_with_provenance(results, provider))
                return
            except BackendUnavailable:
                raise
            except Exception:  # a plugin's code: the edge of the house. Each item tells its own reason below.
                pass
        for number, request in requests.items():
            self._answer_one(number, request, report)

    def _answer_one(self, number: int, request: Message, report: BatchChunk) -> None:
        provider = self._provider
        self._job.held.begin()
        try:
            result = self._breakers.call(
                provider.name, lambda: perform(provider, request, lambda _: None, self._generator)
            )
            report.add_results([number], json_with_provenance(result, provider))
        except BackendUnavailable:
            raise
        except Exception as error:  # a plugin's code: the edge of the house
            self._add_problem(number, error, report)

    def _add_problem(self, number: int, error: Exception, report: BatchChunk) -> None:
        self._hopeful = self._hopeful or not isinstance(error, PERMANENT)
        self._failed[number] = problem_of(error)
        report.add_problem(number, self._failed[number])

    def _store(self, report: BatchChunk) -> None:
        self._done.update(report.done)
        # One that failed in an earlier attempt counts as failed until it is known better.
        self._failed_before.difference_update(report.done, report.problems)
        failed = len(self._failed_before | self._failed.keys())
        progress = Progress(total=self._spec.items, done=len(self._done), failed=failed)
        provider = self._provider
        if not self._consumer.commit_items(self._job.held.leased, report, progress, provider.name, provider.mock):
            raise Cancelled

    def _end(self) -> AttemptResult:
        if not self._failed:
            return AttemptResult(self._job.held.leased, Outcome.DONE, "", self._provider.name, self._provider.mock)
        first = min(self._failed)
        reason = self._failed[first].message
        problem = JobProblem(
            code="partial",
            message=f"{len(self._failed)} of {self._spec.items} items failed; item {first}: {reason}",
            remedy=self._failed[first].remedy,
        )
        return self._job.failed_with(problem, Outcome.FAILED if self._hopeful else Outcome.PERMANENT)
