"""The workers' capacity, polled in a thread of its own: readers never wait, even while Redis hangs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rider_core.api.job_backend import JobBackend
from rider_core.errors import BackendUnavailable

log = logging.getLogger(__name__)

POLL_EVERY_S = 0.5
#: Age at which a snapshot is no longer valid, in seconds. Redis answers in milliseconds, and an old snapshot would keep
#: a domain at the PC that no worker serves any more.
STALE_S = 1.5


@dataclass(frozen=True)
class CapacitySnapshot:
    """
    Attributes:
        capacity: For each task, the number of its jobs that can run at once.
        polled_at: When it was read (monotonic); None: not yet.
        problem: Why the last poll failed; empty: it did not.
    """

    capacity: Mapping[str, int] = field(default_factory=dict)
    polled_at: float | None = None
    problem: str = "not polled yet"

    @property
    def age_s(self) -> float | None:
        return None if self.polled_at is None else time.monotonic() - self.polled_at


class CapacityMonitor:
    """Polls in a thread of its own; `snapshot` may be read from any."""

    def __init__(self, backend: JobBackend) -> None:
        self._backend = backend
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capacity", daemon=True)
        self.snapshot = CapacitySnapshot()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def capacity(self) -> Mapping[str, int]:
        """For each task, the number of its jobs that can run at once; at most `STALE_S` seconds old.

        Raises:
            BackendUnavailable: Redis cannot be reached, or has not answered for longer than that.
        """
        snapshot = self.snapshot
        if snapshot.problem or snapshot.age_s is None:
            raise BackendUnavailable(snapshot.problem)
        if snapshot.age_s > STALE_S:
            raise BackendUnavailable(f"Redis has not answered for {snapshot.age_s:.1f} s")
        return snapshot.capacity

    def poll(self) -> None:
        try:
            self.snapshot = CapacitySnapshot(self._backend.capacity(), time.monotonic(), "")
        except BackendUnavailable as error:
            self.snapshot = CapacitySnapshot(self.snapshot.capacity, self.snapshot.polled_at, str(error))

    def _run(self) -> None:
        while True:
            try:
                self.poll()
            except Exception:  # the top of a thread
                log.exception("the workers' capacity could not be polled")
            if self._stop.wait(POLL_EVERY_S):
                return
