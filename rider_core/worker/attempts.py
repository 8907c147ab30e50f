"""From claims to what came of them. Every claim has an end: result, problem, or nobody wants it any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import redis

from rider_core.api.jobs import BatchSpec, JobSpec
from rider_core.api.messages import Result
from rider_core.api.provider import Provider
from rider_core.errors import BackendUnavailable, InvalidInput, JobRefused, RiderError
from rider_core.eventbus import EventBus
from rider_core.jobs.ledger import ClaimDesk, Ended, Outcome
from rider_core.metrics import REFUSED
from rider_core.timing import Stopwatch
from rider_core.worker.answers import Answers
from rider_core.worker.batches import BatchRun
from rider_core.worker.bench import EngineBench
from rider_core.worker.breakers import Breakers
from rider_core.worker.caretaker import Held
from rider_core.worker.openings import StillOpening
from rider_core.worker.outbox import Done
from rider_core.worker.pace import Pace
from rider_core.worker.tasks import Unwanted, perform, perform_together, signed, signed_json
from rider_core.worker.work import Work, groups

log = logging.getLogger(__name__)

#: A job whose engine is being opened is looked at again after so many seconds.
PUT_OFF_S = 0.25


class Attempts:
    """Runs the claims of one worker."""

    def __init__(
        self, desk: ClaimDesk, bench: EngineBench, breakers: Breakers, answers: Answers, bus: EventBus, pace: Pace
    ) -> None:
        self._desk = desk
        self._bench = bench
        self._breakers = breakers
        self._answers = answers
        self._bus = bus
        self._pace = pace
        self._provider: Provider | None = None

    @property
    def provider_name(self) -> str | None:
        """Who works now, or worked last; None: nobody yet."""
        return self._provider.name if self._provider else None

    def run(self, claims: Sequence[Held], ready: Callable[[], None]) -> Iterator[Done]:
        """Do the work; nothing is raised for what a job or a provider did.

        Args:
            ready: Called before an engine is asked: it may end the process.

        Raises:
            BackendUnavailable: Redis cannot be reached. The claims' leases will run out.
        """
        works: list[Work] = []
        engines: dict[tuple[str, str | None], Provider] = {}
        for held in claims:
            work = Work(held)
            try:
                work.prepare(self._bench, engines)
                works.append(work)
            except BackendUnavailable:
                raise
            except StillOpening as error:
                log.debug("job %s is put off: %s", held.claim.id, error)
                held.over = True
                yield Done(Ended(held.claim, Outcome.LATER, delay_s=PUT_OFF_S), work.task_name, 0.0)
            except Exception as error:  # a plugin's code, when it is opened: the edge of the house
                yield self._done(work, self._failed(work, error), 0.0)
        ready()
        for group in groups(works):
            yield from self._run_group(group)

    def _run_group(self, group: list[Work]) -> Iterator[Done]:
        """Those that fit together are done together; where that fails, one by one, to find out whose fault it is."""
        wanted = [work for work in group if not work.held.unwanted]
        if not wanted:
            return
        self._provider = wanted[0].provider
        watch = Stopwatch.start()
        for work in wanted:
            work.held.begin()
        if len(wanted) > 1:
            try:
                results = self._run_together(wanted)
            except BackendUnavailable:
                raise
            except Exception as error:  # a plugin's code: the edge of the house
                log.warning("%d jobs together failed, they are tried one by one: %s", len(wanted), error)
            else:
                each_s = watch.elapsed_s / len(wanted)
                for work, result in zip(wanted, results, strict=True):
                    yield self._done(work, self._succeeded(work, result), each_s)
                return
        for work in wanted:
            watch = Stopwatch.start()
            ended = self._run_alone(work)
            if ended is not None:
                yield self._done(work, ended, watch.elapsed_s)

    def _run_alone(self, work: Work) -> Ended | None:
        """None: nobody wants it any more."""
        work.held.begin()
        self._bench.patience.waits_for([work.order])
        try:
            if isinstance(work.order, BatchSpec):
                return BatchRun(work, self._desk, self._breakers, self._answers).run()
            return self._succeeded(work, self._run_single(work))
        except (BackendUnavailable, redis.RedisError):
            raise
        except Unwanted:
            work.held.over = True
            return None
        except Exception as error:  # a plugin's code: the edge of the house
            return self._failed(work, error)

    def _run_single(self, work: Work) -> Result:
        provider, request, order = work.provider, work.request, work.order
        assert provider is not None
        assert request is not None
        assert isinstance(order, JobSpec)

        def emit(partial: Result) -> None:
            if work.held.unwanted:
                raise Unwanted
            if order.stream:
                work.shown = True
                self._bus.publish_partial(order.id, signed(partial, provider))

        return self._breakers.call(provider.name, lambda: perform(provider, request, emit, self._answers))

    def _run_together(self, works: Sequence[Work]) -> list[Result]:
        provider = works[0].provider
        assert provider is not None
        requests = [work.request for work in works if work.request is not None]
        self._bench.patience.waits_for([work.order for work in works])
        return self._breakers.call(provider.name, lambda: perform_together(provider, requests, self._answers))

    def _succeeded(self, work: Work, result: Result) -> Ended:
        provider = work.provider
        assert provider is not None
        return Ended(work.held.claim, Outcome.DONE, signed_json(result, provider), provider.name, provider.mock)

    def _failed(self, work: Work, error: Exception) -> Ended:
        if isinstance(error, RiderError):
            log.warning("job %s (%s): %s", work.held.claim.id, work.task_name, error)
        else:
            log.exception("job %s: the provider raised", work.held.claim.id)
        if isinstance(error, InvalidInput | JobRefused):
            REFUSED.labels("worker", error.code).inc()
        return work.failed(error)

    def _done(self, work: Work, ended: Ended, seconds: float) -> Done:
        work.held.over = True
        self._pace.observe(work.task_name, seconds)
        return Done(ended, work.task_name, seconds)
