"""What came of jobs, on its way into the ledger: together where jobs are short, and never much later than it came."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import redis

from rider_core.errors import BackendUnavailable
from rider_core.jobs.ledger import NOT_BEGUN, Claim, ClaimDesk, Ended, Outcome

log = logging.getLogger(__name__)

#: A robot's camera has five frames a second looked at: a line for each would hide all others.
FREQUENT_TASKS = frozenset({"vision.detect"})

#: A result that waits for others is stored after so many seconds at the latest: the next job may take long after all.
LATEST_S = 0.02
#: Somebody looks so often, as long as results keep coming: to be woken for each would cost more than the short jobs do.
LOOK_S = LATEST_S / 2
#: What was taken ahead waits so long at least, in seconds, before others may have it.
PATIENCE_S = 1.0


class CompletedAttempt(NamedTuple):
    """What came of a claim, and how to speak of it."""

    ended: Ended
    task: str
    seconds: float


class ResultWriter:
    """One worker's results that are not committed yet."""

    def __init__(self, desk: ClaimDesk) -> None:
        self._desk = desk
        self._waiting: list[CompletedAttempt] = []
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._seen = self._waiting
        self._came = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._messenger = ThreadPoolExecutor(1, thread_name_prefix="outbox-prefetch")
        self._prefetched: Future[list[Claim]] | None = None
        self._sent = threading.Event()
        self._sent.set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the threads. What is still there is committed by `exchange`."""
        self._messenger.shutdown()
        self._stop.set()
        self._filled.set()
        self._thread.join(timeout=1)

    def put(self, done: CompletedAttempt, last: bool) -> None:
        """Take a result in.

        Args:
            last: No other job is run before the next `exchange`.
        """
        with self._lock:
            self._waiting.append(done)
            self._came = True
            if not last and not self._filled.is_set():
                self._filled.set()

    def exchange(self, limits: Mapping[str, int] | None) -> list[Claim]:
        """Commit everything, and take the next claims (`ClaimDesk.exchange`).

        Raises:
            BackendUnavailable, redis.RedisError: what was there is lost; its leases will run out.
        """
        together = self._emptied()
        kept, claims = self._desk.exchange([done.ended for done in together], limits)
        self._tell(together, kept)
        return claims

    def prefetch(self, begun: Sequence[Claim], limits: Mapping[str, int] | None) -> None:
        """Commit everything and take the next claims, while the worker does what it has (`ClaimDesk.prefetch`).

        Args:
            begun: The claims that it has, where they were taken ahead.
        """
        self._sent.clear()
        self._prefetched = self._messenger.submit(self._prefetch, self._emptied(), begun, limits)

    def wait_until_sent(self) -> None:
        """Wait until what was to be stored is on its way: it must not be lost with a job that ends the process.

        To wait for the answer would cost what is to be saved here.
        """
        self._sent.wait()

    def prefetched(self) -> list[Claim]:
        """What the last `prefetch` brought, once; it is waited for."""
        with self._lock:
            under_way, self._prefetched = self._prefetched, None
        return under_way.result() if under_way else []

    def give_back(self) -> None:
        """Give back what has waited long for the job before it, which was not short after all. From any thread."""
        with self._lock:
            waiting = self._prefetched.result() if self._prefetched and self._prefetched.done() else []
            if not waiting or time.time() - waiting[0].started_ts < PATIENCE_S:
                return
            self._prefetched = None
        log.info("%d job(s) taken ahead are given back", len(waiting))
        self._desk.commit([Ended(claim, Outcome.UNSTARTED) for claim in waiting])

    def _prefetch(
        self, together: list[CompletedAttempt], begun: Sequence[Claim], limits: Mapping[str, int] | None
    ) -> list[Claim]:
        try:
            kept, claims = self._desk.prefetch([done.ended for done in together], begun, limits, self._sent.set)
        except (redis.RedisError, BackendUnavailable) as error:
            log.error("what came of %d job(s) could not be stored: %s", len(together), error)
            return []
        finally:
            self._sent.set()
        self._tell(together, kept)
        return claims

    def _emptied(self) -> list[CompletedAttempt]:
        with self._lock:
            together, self._waiting = self._waiting, []
        return together

    def _run(self) -> None:
        while not self._stop.is_set():
            self._filled.wait()
            self._stop.wait(LOOK_S)
            together = self._left_over()
            if together:
                try:
                    self._tell(together, self._desk.commit([done.ended for done in together]))
                except redis.RedisError as error:
                    log.error("what came of jobs could not be stored: %s", error)
                    self._desk.abandon([done.ended.claim for done in together])

    def _left_over(self) -> list[CompletedAttempt]:
        """What was there at the last look already. Where nothing came since then, there is no need to look again."""
        with self._lock:
            left = self._waiting if self._waiting is self._seen else []
            if left:
                self._waiting = []
            elif not self._came:
                self._filled.clear()
            self._seen, self._came = self._waiting, False
            return left

    def _tell(self, together: list[CompletedAttempt], kept: list[bool]) -> None:
        for done, was_kept in zip(together, kept, strict=True):
            if not was_kept:
                log.warning("job %s: its lease was lost, the result is discarded", done.ended.claim.id)
        if len(together) == 1 and kept[0] and together[0].ended.outcome not in NOT_BEGUN:
            (done,) = together
            went_well = done.ended.outcome is Outcome.DONE
            log.log(
                logging.DEBUG if went_well and done.task in FREQUENT_TASKS else logging.INFO,
                "job %s (%s) %s in %.0f ms",
                done.ended.claim.id,
                done.task,
                done.ended.outcome.value,
                done.seconds * 1000,
            )
        elif any(done.ended.outcome not in NOT_BEGUN for done in together):
            log.info("%d jobs ended in %.0f ms", len(together), sum(done.seconds for done in together) * 1000)
