"""The worker: a long-lived process that runs jobs, with its engines loaded once.

`rider worker` runs it, and so does `rq worker -w rider_core.worker.ProviderWorker voice vision text`.
"""

from rider_core.worker.worker import ProviderWorker

__all__ = ["ProviderWorker"]
