"""The engines of one worker: opened once, in the worker's own thread, and tried again where something was missing."""

from __future__ import annotations

import logging
import time

from rider_core.api.provider import Provider
from rider_core.api.tasks import TASKS, Task
from rider_core.errors import ProviderError, RiderError
from rider_core.runtime.services import Services

log = logging.getLogger(__name__)

#: A missing model or server is looked for again this often, in seconds.
RETRY_EVERY_S = 15.0


class EngineBench:
    """The providers that this worker has open, and what keeps the others from opening."""

    def __init__(self, services: Services, queues: list[str]) -> None:
        self._services = services
        self._tasks = [task for task in TASKS.values() if task.queue in queues]
        self._open: dict[tuple[str, str | None], Provider] = {}
        self._problems: dict[str, str] = {}
        self._next_try = 0.0

    def warm_up(self) -> None:
        """Open the preferred provider of each task that is not open yet; problems are logged once and kept."""
        if time.monotonic() < self._next_try:
            return
        self._next_try = time.monotonic() + RETRY_EVERY_S
        for task in self._tasks:
            try:
                self.engine(task, None)
                self._problems.pop(task.name, None)
            except RiderError as error:
                if self._problems.get(task.name) != str(error):
                    log.warning("%s cannot be done here: %s", task.name, error)
                self._problems[task.name] = str(error)

    def engine(self, task: Task, wanted: str | None) -> Provider:
        """The open provider for a task.

        Raises:
            ProviderUnavailable, ModelError, ConfigError: it cannot be opened; the message says why.
        """
        key = (task.provider.domain, wanted)
        provider = self._open.get(key)
        if provider is None:
            provider = self._services.make_provider(task.provider, wanted)
            started = time.monotonic()
            try:
                provider.open()
            except RiderError:
                raise
            except Exception as error:  # a plugin's code: the edge of the house
                raise ProviderError(f"{provider.name} cannot be opened: {type(error).__name__}: {error}") from error
            log.info("%s opened in %.1f s", provider.name, time.monotonic() - started)
            self._open[key] = provider
        return provider

    def tasks(self) -> list[str]:
        """The tasks that can be done here and now."""
        return [task.name for task in self._tasks if task.name not in self._problems]

    def problems(self) -> dict[str, str]:
        """Task to what keeps it from being done."""
        return dict(self._problems)

    def providers(self) -> list[dict[str, object]]:
        """The open providers, for the panel."""
        opened = {provider.name: provider for provider in list(self._open.values())}
        return [{"name": name, "domain": it.domain, "mock": it.mock} for name, it in sorted(opened.items())]

    def close(self) -> None:
        for provider in self._open.values():
            try:
                provider.close()
            except Exception:  # a plugin's code: the edge of the house
                log.exception("%s raised while closing", provider.name)
        self._open.clear()
