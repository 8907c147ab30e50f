"""How many jobs of a task are dequeued together, from how long they took: and whether prefetching pays."""

from __future__ import annotations

#: Maximum expected run time in seconds of jobs that are dequeued together. An urgent job may wait for them that long,
#: and other workers cannot have them.
TOGETHER_S = 0.02
MAX_TOGETHER = 64
#: Pause in seconds before the next dequeue while short jobs keep coming: a round trip for two or three jobs costs more
#: than the jobs. A job that comes alone never waits.
LINGER_S = 0.003
LINGER_BELOW = 16
#: Run times in seconds between which the next jobs are prefetched: with shorter jobs there is nothing to gain, and
#: behind longer ones they would wait too long.
PREFETCH_FROM_S, PREFETCH_UP_TO_S = 0.005, 0.05
#: Weight of what is known. A job that is not short at all counts at once; one that was held up for a moment does not.
INERTIA = 0.8


class BatchSizer:
    """Remembers the duration of each task's jobs."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def observe(self, task: str, seconds: float) -> None:
        known = self._seconds.get(task, seconds)
        smoothed = INERTIA * known + (1 - INERTIA) * seconds
        self._seconds[task] = max(seconds, smoothed) if seconds >= TOGETHER_S else smoothed

    def linger_s(self, task: str, taken: int) -> float:
        """How long to wait after that many jobs were taken together, in seconds."""
        return LINGER_S if 1 < taken < LINGER_BELOW <= self.together(task) else 0.0

    def should_prefetch(self, task: str) -> bool:
        """Whether the next jobs are fetched while one of the task runs."""
        return PREFETCH_FROM_S <= self._seconds.get(task, 0.0) < PREFETCH_UP_TO_S

    def together(self, task: str) -> int:
        """How many jobs of a task may be taken together; 1 as long as nothing is known of it."""
        seconds = self._seconds.get(task)
        if seconds is None:
            return 1
        return max(1, min(MAX_TOGETHER, int(TOGETHER_S / max(seconds, 1e-6))))
