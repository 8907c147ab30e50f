"""The engines of one worker: opened once, in the worker's own thread, and tried again where something was missing."""

from __future__ import annotations

import logging
import time

from rider_core.api.job_backend import MAX_TOGETHER
from rider_core.api.provider import Provider
from rider_core.api.tasks import TASKS, Task
from rider_core.errors import ModelError, ProviderUnavailable, RiderError
from rider_core.pluginhost import door
from rider_core.runtime.services import Services
from rider_core.worker.breakers import Breakers
from rider_core.worker.patience import Patience

log = logging.getLogger(__name__)

#: A missing model or server is looked for again this often, in seconds.
RETRY_EVERY_S = 15.0


class Resting(ProviderUnavailable):
    """It failed too often and is left in peace for a while."""


class EngineBench:
    """The providers that this worker has open, and what keeps the others from opening.

    Attributes:
        task_names: The tasks of this worker's queues, whether somebody here can do them or not.
        patience: How long those wait for whom an engine works now. It is to be told.
    """

    def __init__(self, services: Services, queues: list[str], breakers: Breakers) -> None:
        self._services = services
        self._breakers = breakers
        self._tasks = [task for task in TASKS.values() if task.queue in queues]
        self.task_names = [task.name for task in self._tasks]
        self.patience = Patience()
        self._open: dict[str, Provider] = {}
        self._missing: dict[str, tuple[float, RiderError]] = {}
        self._problems: dict[str, str] = {}
        self._next_try = 0.0

    @property
    def is_cold(self) -> bool:
        """Whether it is time for `warm_up` (again)."""
        return time.monotonic() >= self._next_try

    def warm_up(self) -> None:
        """Open a provider of each task where none is open yet; problems are logged once and kept. It may take long."""
        self._next_try = time.monotonic() + RETRY_EVERY_S
        for task in self._tasks:
            try:
                self.engine(task, None)
                self._problems.pop(task.name, None)
            except Resting:
                self._problems.pop(task.name, None)  # `_resting` says it, as long as it lasts
            except RiderError as error:
                if self._problems.get(task.name) != str(error):
                    log.warning("%s cannot be done here: %s", task.name, error)
                self._problems[task.name] = str(error)

    def engine(self, task: Task, wanted: str | None) -> Provider:
        """The open provider for a task: the preferred one, or the next that is not resting and can be opened.

        Raises:
            ProviderUnavailable, ModelError, ConfigError, ProviderError: there is none; the message says why.
        """
        problems: list[RiderError] = []
        for name in self._services.provider_names(task.provider, wanted):
            try:
                return self._usable(task, name)
            except (ProviderUnavailable, ModelError) as error:
                problems.append(error)
        if len(problems) == 1:
            raise problems[0]
        kind = Resting if all(isinstance(problem, Resting) for problem in problems) else ProviderUnavailable
        raise kind("; ".join(str(problem) for problem in problems))

    def max_batch(self, task: str) -> int:
        """How many jobs of a task its open provider likes to do together: `MAX_TOGETHER` at most."""
        return min(MAX_TOGETHER, max((it.max_batch for it in self._able(task)), default=1))

    def max_wait_s(self, task: str) -> float:
        """How long a job of a task may wait for others, in seconds."""
        return max((it.max_wait_ms for it in self._able(task)), default=0.0) / 1000

    def tasks(self) -> list[str]:
        """The tasks that can be done here and now."""
        problems = self.problems()
        return [task.name for task in self._tasks if task.name not in problems]

    def engines(self) -> dict[str, str]:
        """Task to the names of the providers that are open for it."""
        able = {task.name: ", ".join(sorted(it.name for it in self._able(task.name))) for task in self._tasks}
        return {task: names for task, names in able.items() if names}

    def problems(self) -> dict[str, str]:
        """Task to what keeps it from being done."""
        return dict(self._problems) | self._resting()

    def providers(self) -> list[dict[str, object]]:
        """The open providers, for the panel."""
        return [
            {"name": name, "domain": it.domain, "mock": it.mock, "details": door.details_of(it)}
            for name, it in sorted(self._open.items())
        ]

    def close(self) -> None:
        for provider in self._open.values():
            door.close_engine(provider)
        self._open.clear()

    def _able(self, task: str) -> list[Provider]:
        return [it for it in list(self._open.values()) if task in TASKS and isinstance(it, TASKS[task].provider)]

    def _usable(self, task: Task, name: str) -> Provider:
        rests_s = self._breakers.rests_s(name)
        if rests_s > 0:
            raise Resting(_rests(name, rests_s), remedy="see in the worker's log why it failed")
        if name in self._open:
            return self._open[name]
        until, error = self._missing.get(name, (0.0, None))
        if error is not None and time.monotonic() < until:
            raise error
        try:
            provider = self._opened(task, name)
        except (ProviderUnavailable, ModelError) as missing:
            self._missing[name] = (time.monotonic() + RETRY_EVERY_S, missing)
            raise
        self._missing.pop(name, None)
        return provider

    def _opened(self, task: Task, name: str) -> Provider:
        provider = self._services.make_provider(task.provider, name, self.patience.left_s)
        started = time.monotonic()
        door.open_engine(provider)
        log.info("%s opened in %.1f s", provider.name, time.monotonic() - started)
        self._open[name] = provider
        return provider

    def _resting(self) -> dict[str, str]:
        """The tasks that nobody can do because every provider that is open for them rests."""
        resting: dict[str, str] = {}
        for task in self._tasks:
            able = [name for name, provider in list(self._open.items()) if isinstance(provider, task.provider)]
            rests = {name: self._breakers.rests_s(name) for name in able}
            if rests and all(rests.values()):
                resting[task.name] = "; ".join(_rests(name, rests_s) for name, rests_s in rests.items())
        return resting


def _rests(name: str, rests_s: float) -> str:
    return f"{name} failed too often and rests for another {rests_s:.0f} s"
