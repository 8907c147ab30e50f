"""The providers of one worker: opened once, in threads of their own, and retried where a model or server is missing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from rider_core.api.job_backend import MAX_TOGETHER
from rider_core.api.provider import Provider
from rider_core.api.tasks import TASKS, Task
from rider_core.errors import ModelError, ProviderUnavailable, RiderError
from rider_core.metrics import ENGINE_CLOSINGS, ENGINE_OPENED_IN, ENGINE_OPENINGS, MODEL_BYTES
from rider_core.pluginhost import guarded
from rider_core.runtime.services import Services
from rider_core.timing import Stopwatch
from rider_core.worker.breakers import Breakers
from rider_core.worker.engine_calls import begin_series
from rider_core.worker.openings import ENGINE_WAIT_S, LONG_S, Opening, StillOpening
from rider_core.worker.time_left import TimeLeft

log = logging.getLogger(__name__)

#: Interval of retries while a model or server is missing, in seconds.
RETRY_EVERY_S = 15.0
#: Names of providers that are remembered: of the four tasks, and of those that jobs name.
MAX_NAMES = 64
#: Interval in seconds at which `warm_up` checks whether all engines are open.
POLL_S = 0.02


class CircuitOpen(ProviderUnavailable):
    """The provider's circuit breaker is open: it failed too often and is not called for a while."""


class ProviderPool:
    """The open providers of this worker, and the reasons why others are not open.

    Attributes:
        task_names: The tasks of this worker's queues, with or without an open provider.
        time_left: Until the deadline of the jobs that run now.
    """

    def __init__(self, services: Services, queues: list[str], breakers: Breakers) -> None:
        self._services = services
        self._breakers = breakers
        self._tasks = [task for task in TASKS.values() if task.queue in queues]
        self.task_names = [task.name for task in self._tasks]
        self.time_left = TimeLeft()
        #: Called, from any thread, when the tasks that can be done may have changed.
        self.on_change: Callable[[], None] = lambda: None
        self._open: dict[str, Provider] = {}
        self._openings: dict[str, Opening] = {}
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}
        #: Task to the engine that is being opened for it.
        self._awaited: dict[str, Opening] = {}
        self._next_try = 0.0
        self._revision = services.provider_choices.look()
        #: Task and wanted provider to the names of those that may be used, in order, at that revision.
        self._names: dict[tuple[str, str | None], list[str]] = {}
        self._first = self._first_names()

    @property
    def is_cold(self) -> bool:
        """Whether it is time for `warm_up` (again)."""
        return time.monotonic() >= self._next_try

    def warm_up(self, timeout_s: float = 0.0) -> None:
        """Begin to open a provider of each task where none is open yet; problems are logged once and kept.

        Args:
            timeout_s: Maximum wait for all of them; opening goes on in its threads.
        """
        self._next_try = time.monotonic() + RETRY_EVERY_S
        for task in self._tasks:
            self._open_for(task)
        watch = Stopwatch.start()
        while self._awaited and watch.elapsed_s < timeout_s:
            time.sleep(POLL_S)

    def _open_for(self, task: Task) -> None:
        """Open a provider of the task, or record why there is none. From any thread."""
        try:
            self.engine(task, None, 0.0)
        except StillOpening as error:
            self._awaited[task.name] = error.opening
            if error.opening.is_done:  # it ended before it was in `_awaited`, so `_opening_ended` did not see the task
                self._open_for(task)
            return
        except CircuitOpen:
            self._problems.pop(task.name, None)  # `_open_circuits` reports it as long as it lasts
        except RiderError as error:
            if self._problems.get(task.name) != str(error):
                log.warning("%s cannot be done here: %s", task.name, error)
            self._problems[task.name] = str(error)
        else:
            self._problems.pop(task.name, None)
        self._awaited.pop(task.name, None)

    def engine(self, task: Task, wanted: str | None, timeout_s: float = ENGINE_WAIT_S) -> Provider:
        """The open provider for a task: the preferred one, or the next whose circuit is closed and that can be opened.

        Args:
            timeout_s: Maximum wait for a provider that is being opened.

        Raises:
            StillOpening: it takes longer.
            ProviderUnavailable, ModelError, ConfigError, ProviderError: there is none; the message says why.
        """
        problems: list[RiderError] = []
        for name in self._names_for(task, wanted):
            try:
                return self._usable(task, name, timeout_s)
            except StillOpening:
                raise
            except (ProviderUnavailable, ModelError) as error:
                problems.append(error)
        if len(problems) == 1:
            raise problems[0]
        kind = CircuitOpen if all(isinstance(problem, CircuitOpen) for problem in problems) else ProviderUnavailable
        raise kind("; ".join(str(problem) for problem in problems))

    def follow_choices(self) -> None:
        """Heed what people have changed: close what is switched off, comes later now, or has other settings, and open
        what comes first or was without its model.

        For the worker's own thread, between two jobs. What comes first now is being opened when it returns.
        """
        revision = self._services.provider_choices.look()
        if revision == self._revision:
            return
        with self._lock:
            self._revision = revision
            self._names = {}
            # What failed may succeed now: its settings are others, or its model is there.
            self._openings = {name: it for name, it in self._openings.items() if it.failed_for_s == 0}
        before, self._first = self._first, self._first_names()
        for name, provider in list(self._open.items()):
            # One that only stands in for another, or that jobs name, stays open.
            is_demoted = name in before - self._first
            is_off = not self._services.provider_choices.of(name).enabled
            if is_demoted or is_off or not self._has_current_settings(provider):
                log.info("%s is closed: somebody has chosen otherwise, or changed its settings", name)
                self._close(name)
        self.warm_up()
        self.on_change()

    def max_batch(self, task: str) -> int:
        """Largest number of jobs of a task that its open provider runs together: `MAX_TOGETHER` at most."""
        return min(MAX_TOGETHER, max((it.max_batch for it in self._able(task)), default=1))

    def max_wait_s(self, task: str) -> float:
        """Longest time that a job of a task may wait for others, in seconds."""
        return max((it.max_wait_ms for it in self._able(task)), default=0.0) / 1000

    def tasks(self) -> list[str]:
        """The tasks that can be done here and now."""
        out_of_order = self.problems().keys() | self._awaited.keys()
        return [task.name for task in self._tasks if task.name not in out_of_order]

    def engines(self) -> dict[str, str]:
        """Task to the names of the providers that are open for it."""
        able = {task.name: ", ".join(sorted(it.name for it in self._able(task.name))) for task in self._tasks}
        return {task: names for task, names in able.items() if names}

    def problems(self) -> dict[str, str]:
        """Task to the reason why it cannot be done."""
        opening = {
            task: f"{it.name} is being opened, for {it.seconds:.0f} s now"
            for task, it in list(self._awaited.items())
            if it.seconds > LONG_S
        }
        return dict(self._problems) | opening | self._open_circuits()

    def providers(self) -> list[dict[str, object]]:
        """The open providers, for the panel."""
        return [
            {"name": name, "domain": it.domain, "mock": it.mock, "details": guarded.details_of(it)}
            for name, it in sorted(self._open.copy().items())
        ]

    def close(self) -> None:
        for name in list(self._open):
            self._close(name)

    def _close(self, name: str) -> None:
        provider = self._open.pop(name)
        guarded.close_engine(provider)
        ENGINE_CLOSINGS.labels(name).inc()
        MODEL_BYTES.labels(name).set(0)
        with self._lock:
            self._openings.pop(name, None)

    def _names_for(self, task: Task, wanted: str | None) -> list[str]:
        key, revision = (task.name, wanted), self._revision
        names = self._names.get(key)
        if names is None:
            names = self._services.provider_names(task.provider, wanted)
            with self._lock:
                # Jobs may name anything; and these may be of before a change.
                if revision == self._revision and len(self._names) < MAX_NAMES:
                    self._names[key] = names
        return names

    def _first_names(self) -> set[str]:
        """The provider of each task that is used first."""
        return {names[0] for task in self._tasks if (names := self._names_or_none(task))}

    def _names_or_none(self, task: Task) -> list[str]:
        """Empty where there is no provider for the task."""
        try:
            return self._names_for(task, None)
        except RiderError:
            return []

    def _has_current_settings(self, provider: Provider) -> bool:
        try:
            return bool(self._services.provider_config(provider.name) == provider.config)
        except RiderError as error:  # they were changed by hand; a running engine is better than none
            log.warning("%s goes on with the settings before: %s", provider.name, error)
            return True

    def _able(self, task: str) -> list[Provider]:
        return [it for it in list(self._open.values()) if task in TASKS and isinstance(it, TASKS[task].provider)]

    def _usable(self, task: Task, name: str, timeout_s: float) -> Provider:
        open_for_s = self._breakers.open_for_s(name)
        if open_for_s > 0:
            raise CircuitOpen(_circuit_open(name, open_for_s), remedy="see in the worker's log why it failed")
        if name in self._open:
            return self._open[name]
        return self._opening(task, name).wait(timeout_s)

    def _opening(self, task: Task, name: str) -> Opening:
        """The last opening, where it is running, succeeded or failed just now; else a new one."""
        with self._lock:
            opening = self._openings.get(name)
            if opening is None or opening.failed_for_s > RETRY_EVERY_S / 2:
                opening = self._openings[name] = Opening(name, partial(self._opened, task, name), self._opening_ended)
            return opening

    def _opened(self, task: Task, name: str) -> Provider:
        revision = self._revision
        provider = self._services.make_provider(task.provider, name, self.time_left.left_s)
        guarded.open_engine(provider)
        begin_series(provider)
        ENGINE_CLOSINGS.labels(name)
        MODEL_BYTES.labels(name).set(self._model_bytes(provider))
        # Announced before a job may call it: a call may end the process, and then only Redis knows the engine's name.
        self._open[name] = provider
        if revision != self._revision:
            self._revision = -1  # something was changed meanwhile: the next `follow_choices` looks at this one, too
        self.on_change()
        return provider

    def _opening_ended(self, opening: Opening) -> None:
        """Called in the opening's thread: the tasks that waited for it have an engine now, or need the next one."""
        ENGINE_OPENED_IN.labels(opening.name).set(opening.seconds)
        for outcome, count in (("opened", opening.error is None), ("failed", opening.error is not None)):
            ENGINE_OPENINGS.labels(opening.name, outcome).inc(count)
        for task in self._tasks:
            if self._awaited.get(task.name) is opening:
                self._open_for(task)
        self.on_change()

    def _model_bytes(self, provider: Provider) -> int:
        """Size of the files of the provider's models, as far as they are in the catalogue."""
        size = 0
        with suppress(RiderError, OSError):  # a figure must not keep an open engine from working
            for name in guarded.required_models_of(provider):
                size += self._services.catalogue.path(name).stat().st_size
        return size

    def _open_circuits(self) -> dict[str, str]:
        """The tasks for which every open provider has an open circuit, with the reason."""
        reasons: dict[str, str] = {}
        for task in self._tasks:
            able = [name for name, provider in list(self._open.items()) if isinstance(provider, task.provider)]
            open_for_s = {name: self._breakers.open_for_s(name) for name in able}
            if open_for_s and all(open_for_s.values()):
                reasons[task.name] = "; ".join(_circuit_open(name, left_s) for name, left_s in open_for_s.items())
        return reasons


def _circuit_open(name: str, open_for_s: float) -> str:
    return f"{name} failed too often and is not called for another {open_for_s:.0f} s"
