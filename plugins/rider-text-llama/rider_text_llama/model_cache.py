"""Cache of loaded models: limited in number, least recently used first out, idle models are unloaded."""

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
class _CachedModel(Generic[ModelT]):
    model: ModelT
    users: int = 0
    used_s: float = 0.0  # end of the last use, by the monotonic clock


class ModelCache(Generic[ModelT]):
    """Loads models on demand, and unloads the least recently used. A thread unloads idle ones until `close`.

    Args:
        load: Loads a model by its name; may raise.
        most: How many models may be loaded at a time.
        idle_s: Seconds without use after which a model is unloaded; 0: never.
    """

    def __init__(self, load: Callable[[str], ModelT], *, most: int, idle_s: float) -> None:
        self._load = load
        self._most = most
        self._idle_s = idle_s
        self._loaded: OrderedDict[str, _CachedModel[ModelT]] = OrderedDict()  # the least recently used first
        self._names: tuple[str, ...] = ()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._unload_idle, name="llama-idle", daemon=True) if idle_s else None
        if self._thread is not None:
            self._thread.start()

    def names(self) -> tuple[str, ...]:
        """The loaded models. Thread-safe; does not wait while a model is being loaded."""
        return self._names

    @contextmanager
    def borrow(self, name: str) -> Iterator[ModelT]:
        """The model, which stays loaded until the end of the `with` block.

        Raises:
            ProviderUnavailable: the limit of loaded models is reached, and all are in use.
        """
        with self._changed:
            entry = self._loaded.get(name)
            if entry is None:
                self._make_room()
                started = time.monotonic()
                entry = self._loaded[name] = _CachedModel(self._load(name))
                log.info("model %s loaded in %.1f s", name, time.monotonic() - started)
            self._loaded.move_to_end(name)
            self._names = tuple(self._loaded)
            entry.users += 1
        try:
            yield entry.model
        finally:
            with self._changed:
                entry.users -= 1
                entry.used_s = time.monotonic()
                self._changed.notify()
                if self._closed and not entry.users:
                    entry.model.close()

    def close(self) -> None:
        """Unload all models; one in use is unloaded at the end of its use."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            for name in [name for name, entry in self._loaded.items() if not entry.users]:
                self._unload(name)
        if self._thread is not None:
            self._thread.join()

    def _make_room(self) -> None:
        if self._closed:
            raise ProviderUnavailable("the engine is closed")
        while len(self._loaded) >= self._most:
            free = next((name for name, entry in self._loaded.items() if not entry.users), None)
            if free is None:
                raise ProviderUnavailable(
                    f"{len(self._loaded)} models are in use, and no more may be loaded",
                    remedy="raise the engine's setting max_loaded",
                )
            self._unload(free)

    def _unload(self, name: str) -> None:
        self._loaded.pop(name).model.close()
        self._names = tuple(self._loaded)
        log.info("model %s unloaded", name)

    def _unload_idle(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for name in [
                    name for name, it in self._loaded.items() if not it.users and self._idle_left_s(it, now) <= 0
                ]:
                    self._unload(name)
                left_s = [self._idle_left_s(it, now) for it in self._loaded.values() if not it.users]
                self._changed.wait(min(left_s, default=None))

    def _idle_left_s(self, entry: _CachedModel[ModelT], now: float) -> float:
        """Seconds until an unused model is unloaded."""
        return entry.used_s + self._idle_s - now
