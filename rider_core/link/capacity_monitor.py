"""What workers can do, looked up now and then: who asks gets an answer at once, also while Redis hangs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rider_core.api.job_backend import JobBackend
from rider_core.errors import BackendUnavailable

log = logging.getLogger(__name__)

EVERY_S = 0.5
#: Redis answers in milliseconds. What it said before is no reason to keep a domain that may be served no more.
STALE_S = 1.5


@dataclass(frozen=True)
class CapacitySnapshot:
    """
    Attributes:
        capacity: Task to how many jobs of it can run at once.
        looked: When that was so; our monotonic clock. None: nobody could say yet.
        problem: Why it is not newer; empty where it is.
    """

    capacity: Mapping[str, int] = field(default_factory=dict)
    looked: float | None = None
    problem: str = "not looked yet"

    @property
    def age_s(self) -> float | None:
        return None if self.looked is None else time.monotonic() - self.looked


class CapacityMonitor:
    """Looks in a thread of its own; `known` may be read from any."""

    def __init__(self, backend: JobBackend) -> None:
        self._backend = backend
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capacity", daemon=True)
        self.known = CapacitySnapshot()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def capacity(self) -> Mapping[str, int]:
        """Task to how many workers can do it, at most `STALE_S` seconds old.

        Raises:
            BackendUnavailable: Redis is away, or has not answered for longer than that.
        """
        known = self.known
        if known.problem or known.age_s is None:
            raise BackendUnavailable(known.problem)
        if known.age_s > STALE_S:
            raise BackendUnavailable(f"Redis has not answered for {known.age_s:.1f} s")
        return known.capacity

    def poll(self) -> None:
        try:
            self.known = CapacitySnapshot(self._backend.capacity(), time.monotonic(), "")
        except BackendUnavailable as error:
            self.known = CapacitySnapshot(self.known.capacity, self.known.looked, str(error))

    def _run(self) -> None:
        while True:
            try:
                self.poll()
            except Exception:  # the top of a thread
                log.exception("what workers can do could not be looked up")
            if self._stop.wait(EVERY_S):
                return
