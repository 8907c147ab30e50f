"""One attempt at a batch: its items in groups as large as the engine likes, and what came of each kept at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator

from rider_core.api.jobs import BatchSpec, JobProblem
from rider_core.api.messages import Message, Result, parse_message
from rider_core.errors import BackendUnavailable, InvalidInput
from rider_core.jobs.ledger import ClaimDesk, Ended, Outcome
from rider_core.timing import Stopwatch
from rider_core.worker.breakers import Breakers
from rider_core.worker.tasks import Unwanted, fits_with, perform, perform_together, signed
from rider_core.worker.work import HOPELESS, Work, problem_of

#: What came of items is stored that often, in seconds: so old is the progress that others see, and so much work is
#: done again where the worker dies.
STORE_EVERY_S = 0.05


class BatchRun:
    """Runs the items of a batch that earlier attempts have not brought to their end."""

    def __init__(self, work: Work, desk: ClaimDesk, breakers: Breakers) -> None:
        assert isinstance(work.order, BatchSpec)
        assert work.provider is not None
        assert work.task is not None
        self._work = work
        self._order = work.order
        self._provider = work.provider
        self._request_type = work.task.request
        self._desk = desk
        self._breakers = breakers
        self._failed: dict[int, JobProblem] = {}
        self._hopeful = False

    def run(self) -> Ended:
        """Do what is left of the batch.

        Raises:
            Unwanted: it was cancelled, or is another worker's now.
            BackendUnavailable, redis.RedisError: Redis cannot be reached.
        """
        claim = self._work.held.claim
        finished = self._desk.items_done(claim) if claim.attempt > 1 else set()
        outcomes: dict[int, str | JobProblem] = {}
        watch = Stopwatch.start()
        for numbers in self._portions([n for n in range(self._order.items) if n not in finished]):
            if self._work.held.unwanted:
                raise Unwanted
            outcomes |= self._ask(numbers)
            if watch.elapsed_s > STORE_EVERY_S:
                self._store(outcomes)
                outcomes, watch = {}, Stopwatch.start()
        if outcomes:
            self._store(outcomes)
        return self._end()

    def _portions(self, numbers: list[int]) -> Iterator[list[int]]:
        size = self._provider.max_batch
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]

    def _ask(self, numbers: list[int]) -> dict[int, str | JobProblem]:
        """What the engine says to these items."""
        together: dict[Hashable, dict[int, Message]] = defaultdict(dict)
        outcomes: dict[int, str | JobProblem] = {}
        for number in numbers:
            try:
                request = parse_message(self._request_type, self._order.payloads[number])
            except InvalidInput as error:
                outcomes[number] = self._problem(number, error)
            else:
                together[fits_with(request)][number] = request
        for requests in together.values():
            outcomes |= self._answers(requests)
        return outcomes

    def _answers(self, requests: dict[int, Message]) -> dict[int, str | JobProblem]:
        """Together; where that fails one by one, to find out whose fault it is."""
        if len(requests) > 1:
            self._work.held.begin()
            try:
                results = self._breakers.call(
                    self._provider.name, lambda: perform_together(self._provider, list(requests.values()))
                )
                return {number: self._json(result) for number, result in zip(requests, results, strict=True)}
            except BackendUnavailable:
                raise
            except Exception:  # a plugin's code: the edge of the house. Each item tells its own reason below.
                pass
        return {number: self._answer(number, request) for number, request in requests.items()}

    def _answer(self, number: int, request: Message) -> str | JobProblem:
        self._work.held.begin()
        try:
            return self._json(
                self._breakers.call(self._provider.name, lambda: perform(self._provider, request, lambda _: None))
            )
        except BackendUnavailable:
            raise
        except Exception as error:  # a plugin's code: the edge of the house
            return self._problem(number, error)

    def _json(self, result: Result) -> str:
        return signed(result, self._provider).model_dump_json()

    def _problem(self, number: int, error: Exception) -> JobProblem:
        self._hopeful = self._hopeful or not isinstance(error, HOPELESS)
        self._failed[number] = problem_of(error)
        return self._failed[number]

    def _store(self, outcomes: dict[int, str | JobProblem]) -> None:
        if not self._desk.commit_items(self._work.held.claim, outcomes, self._provider.name, self._provider.mock):
            raise Unwanted

    def _end(self) -> Ended:
        if not self._failed:
            return Ended(self._work.held.claim, Outcome.DONE, "", self._provider.name, self._provider.mock)
        first = min(self._failed)
        reason = self._failed[first].message
        problem = JobProblem(
            code="partial",
            message=f"{len(self._failed)} of {self._order.items} items failed; item {first}: {reason}",
            remedy=self._failed[first].remedy,
        )
        return self._work.failed_with(problem, Outcome.FAILED if self._hopeful else Outcome.HOPELESS)
