"""How long a task's jobs take here, and so how many of them are taken together, and when it pays to linger."""

from __future__ import annotations

#: Jobs taken together last so long at most, in seconds: that long an urgent one may have to wait for them, and other
#: workers have nothing of them.
TOGETHER_S = 0.02
MAX_TOGETHER = 64
#: Where short jobs keep coming, a worker lingers so long, in seconds, before it asks for the next ones: a round trip
#: for two or three jobs costs all sides more than the jobs do. One that comes alone is never kept waiting.
LINGER_S = 0.003
LINGER_BELOW = 16
#: While a job of so many seconds runs, the next ones are asked for: in shorter ones there is nothing to gain by that,
#: and behind longer ones they would wait too long.
AHEAD_FROM_S, AHEAD_UP_TO_S = 0.005, 0.05
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

    def hides_a_round_trip(self, task: str) -> bool:
        """Whether the next jobs are asked for while one of the task runs."""
        return AHEAD_FROM_S <= self._seconds.get(task, 0.0) < AHEAD_UP_TO_S

    def together(self, task: str) -> int:
        """How many jobs of a task may be taken together; 1 as long as nothing is known of it."""
        seconds = self._seconds.get(task)
        if seconds is None:
            return 1
        return max(1, min(MAX_TOGETHER, int(TOGETHER_S / max(seconds, 1e-6))))
