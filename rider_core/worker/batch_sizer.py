"""The number of jobs of a task that are dequeued together, and whether to prefetch: both from their run times."""

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
#: Weight of earlier run times. A job that is not short counts at once; one that was held up for a moment hardly counts.
INERTIA = 0.8


class BatchSizer:
    """Keeps a smoothed run time of each task's jobs."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def observe(self, task: str, seconds: float) -> None:
        known = self._seconds.get(task, seconds)
        smoothed = INERTIA * known + (1 - INERTIA) * seconds
        self._seconds[task] = max(seconds, smoothed) if seconds >= TOGETHER_S else smoothed

    def linger_s(self, task: str, taken: int) -> float:
        """Pause in seconds after `taken` jobs were dequeued together."""
        return LINGER_S if 1 < taken < LINGER_BELOW <= self.batch_size(task) else 0.0

    def should_prefetch(self, task: str) -> bool:
        """Whether the next jobs are fetched while one of the task runs."""
        return PREFETCH_FROM_S <= self._seconds.get(task, 0.0) < PREFETCH_UP_TO_S

    def batch_size(self, task: str) -> int:
        """Largest number of jobs of a task that are dequeued together; 1 until one has run."""
        seconds = self._seconds.get(task)
        if seconds is None:
            return 1
        return max(1, min(MAX_TOGETHER, int(TOGETHER_S / max(seconds, 1e-6))))
