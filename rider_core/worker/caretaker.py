"""A worker's second thread: keeps the lease and the worker's record alive, takes back the jobs of dead workers.

It also hears of cancelled jobs, and ends the process when an engine hangs.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import redis

from rider_core.api.jobs import JobProblem
from rider_core.jobs.rq_backend import Claim, ClaimDesk, Outcome
from rider_core.jobs.rq_backend.claims import HEARTBEAT_EVERY_S
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: Exit status of a worker whose engine hung: sysexits.h's EX_SOFTWARE. The supervisor starts a new one.
EXIT_ENGINE_HANGS = 70


@dataclass(frozen=True)
class Held:
    """What the worker works on: the claim, since when, and whether its result is wanted no more."""

    claim: Claim
    watch: Stopwatch
    unwanted: threading.Event


class Caretaker:
    """Runs beside the worker's main thread."""

    def __init__(
        self, desk: ClaimDesk, beat: Callable[[], None], on_hang: Callable[[], None], timeout_s: float
    ) -> None:
        """
        Args:
            beat: Renews the worker's own record.
            on_hang: Told before the process ends because its engine hangs.
            timeout_s: How long one attempt may run.
        """
        self._desk = desk
        self._beat = beat
        self._on_hang = on_hang
        self._timeout_s = timeout_s
        self._held: Held | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        with suppress(redis.RedisError):
            self._desk.wake()
        self._thread.join(timeout=HEARTBEAT_EVERY_S)

    def hold(self, claim: Claim) -> threading.Event:
        """Look after the claim that the worker works on now. The event is set when its result is wanted no more."""
        self._held = Held(claim, Stopwatch.start(), threading.Event())
        return self._held.unwanted

    def let_go(self) -> None:
        """The worker has ended its work on the claim."""
        self._held = None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._round()
            except redis.RedisError as error:
                log.warning("Redis cannot be reached: %s", error)
            self._listen()

    def _listen(self) -> None:
        """Heed cancellations until the next round."""
        watch = Stopwatch.start()
        while not self._stop.is_set() and (left_s := HEARTBEAT_EVERY_S - watch.elapsed_s) > 0:
            try:
                job_id = self._desk.next_cancelled(left_s)
            except redis.RedisError as error:
                log.warning("Redis cannot be reached: %s", error)
                self._stop.wait(left_s)
                return
            held = self._held
            if held is not None and held.claim.id == job_id:
                log.info("job %s was cancelled", job_id)
                held.unwanted.set()

    def _round(self) -> None:
        held = self._held
        if held is not None:
            if held.watch.elapsed_s > self._timeout_s:
                self._give_up(held.claim)
            elif not self._desk.heartbeat(held.claim) and self._held is held and not held.unwanted.is_set():
                log.warning("job %s: the lease is lost, another worker may have it", held.claim.id)
                held.unwanted.set()
        self._beat()
        taken_back = self._desk.reap()
        if taken_back:
            log.warning("%d job(s) of dead workers taken back", taken_back)

    def _give_up(self, claim: Claim) -> None:
        """A thread that hangs in an engine cannot be stopped, so its process ends."""
        problem = JobProblem(code="timeout", message=f"the engine did not answer within {self._timeout_s:g} s")
        log.error("job %s: %s; this worker ends", claim.id, problem.message)
        self._on_hang()
        self._desk.commit_problem(claim, Outcome.FAILED, problem)
        os._exit(EXIT_ENGINE_HANGS)
