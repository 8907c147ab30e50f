"""The models that are loaded: a few at most, and none that nobody has used for a while."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from rider_core.errors import ProviderUnavailable

log = logging.getLogger(__name__)


class Closable(Protocol):
    def close(self) -> None: ...


ModelT = TypeVar("ModelT", bound=Closable)


@dataclass
class _Resident(Generic[ModelT]):
    model: ModelT
    users: int = 0
    used_s: float = 0.0  # when it was last given back, by the monotonic clock


class Residents(Generic[ModelT]):
    """Loads models when they are wanted, and unloads those that were not wanted for longest.

    A thread of its own looks for idle ones; it ends in `close`.

    Args:
        load: A model by its name; may raise.
        most: How many may be loaded at once.
        idle_s: Unloaded after so many seconds without use; 0: never.
    """

    def __init__(self, load: Callable[[str], ModelT], *, most: int, idle_s: float) -> None:
        self._load = load
        self._most = most
        self._idle_s = idle_s
        self._loaded: OrderedDict[str, _Resident[ModelT]] = OrderedDict()  # the least recently used first
        self._names: tuple[str, ...] = ()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="llama-idle", daemon=True) if idle_s else None
        if self._thread is not None:
            self._thread.start()

    def names(self) -> tuple[str, ...]:
        """Those that are loaded. From any thread; never waits for a model that is being loaded."""
        return self._names

    @contextmanager
    def borrowed(self, name: str) -> Iterator[ModelT]:
        """The model, loaded; it stays so until it is given back.

        Raises:
            ProviderUnavailable: as many as may be are in use.
        """
        with self._changed:
            resident = self._loaded.get(name)
            if resident is None:
                self._make_room()
                started = time.monotonic()
                resident = self._loaded[name] = _Resident(self._load(name))
                log.info("model %s loaded in %.1f s", name, time.monotonic() - started)
            self._loaded.move_to_end(name)
            self._names = tuple(self._loaded)
            resident.users += 1
        try:
            yield resident.model
        finally:
            with self._changed:
                resident.users -= 1
                resident.used_s = time.monotonic()
                self._changed.notify()
                if self._closed and not resident.users:
                    resident.model.close()

    def close(self) -> None:
        """Unload all; one that is in use is unloaded when it is given back."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            for name in [name for name, resident in self._loaded.items() if not resident.users]:
                self._unload(name)
        if self._thread is not None:
            self._thread.join()

    def _make_room(self) -> None:
        if self._closed:
            raise ProviderUnavailable("the engine is closed")
        while len(self._loaded) >= self._most:
            free = next((name for name, resident in self._loaded.items() if not resident.users), None)
            if free is None:
                raise ProviderUnavailable(
                    f"{len(self._loaded)} models are in use, and no more may be loaded at once",
                    remedy="raise the engine's setting max_loaded",
                )
            self._unload(free)

    def _unload(self, name: str) -> None:
        self._loaded.pop(name).model.close()
        self._names = tuple(self._loaded)
        log.info("model %s unloaded", name)

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for name in [name for name, it in self._loaded.items() if not it.users and self._rest_s(it, now) <= 0]:
                    self._unload(name)
                rests = [self._rest_s(it, now) for it in self._loaded.values() if not it.users]
                self._changed.wait(min(rests, default=None))

    def _rest_s(self, resident: _Resident[ModelT], now: float) -> float:
        """How long it may stay without being used."""
        return resident.used_s + self._idle_s - now
