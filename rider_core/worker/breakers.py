"""A circuit breaker for each provider, shared by all workers through Redis. One that keeps failing is not called."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from typing import NoReturn, TypeVar, cast

import pybreaker
import redis

from rider_core.errors import BackendUnavailable, InvalidInput, JobRefused
from rider_core.metrics import BREAKER_STATE, BREAKER_TRIPS
from rider_core.worker.tasks import Cancelled

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Maximum age of a worker's copy of the shared state, in seconds. A job costs no round trip of its own.
REFRESH_S = 0.5
#: Errors that are not the fault of the provider.
NOT_COUNTED = (InvalidInput, JobRefused, BackendUnavailable, Cancelled)


class Breakers:
    """The breakers of one worker. `open_for_s` and `count_hang` may be called from a second thread."""

    def __init__(self, connection: redis.Redis, fail_max: int, reset_timeout_s: float) -> None:
        """
        Args:
            connection: With `decode_responses=False`.
            fail_max: Number of failures of a provider in a row, in all workers together, that open its circuit.
            reset_timeout_s: Time in seconds that the circuit stays open. Then the outcome of one job decides.
        """
        self._redis = connection
        self._fail_max = fail_max
        self._reset_timeout_s = reset_timeout_s
        self._breakers: dict[str, pybreaker.CircuitBreaker] = {}
        self._states: dict[str, SharedState] = {}

    def call(self, provider: str, work: Callable[[], T]) -> T:
        """Call `work`, and count its success or failure. What it raises is raised.

        Raises:
            pybreaker.CircuitBreakerError: the circuit is open; check `open_for_s` first.
            BackendUnavailable: Redis cannot be reached.
        """
        if provider not in self._states or not self._states[provider].untroubled:
            return self._breaker(provider).call(work)
        # A success changes nothing then, so pybreaker is not called: that takes longer than a short job.
        try:
            return work()
        except NOT_COUNTED:
            raise
        except Exception as error:
            return self._breaker(provider).call(_raises(error))

    def open_for_s(self, provider: str) -> float:
        """Seconds until the provider is tried again; 0: it may be used now."""
        self._breaker(provider)
        state = self._states[provider]
        if state.state != pybreaker.STATE_OPEN or state.opened_at is None:
            return 0.0
        return max(0.0, state.opened_at.timestamp() + self._reset_timeout_s - time.time())

    def count_hang(self, provider: str) -> None:
        """Count a failure of a call that does not come back; that call holds the breaker's lock for good."""
        self._breaker(provider)
        state = self._states[provider]
        state.increment_counter()
        if state.counter >= self._fail_max or state.state == pybreaker.STATE_HALF_OPEN:
            state.opened_at = datetime.now(timezone.utc)
            state.state = pybreaker.STATE_OPEN
            BREAKER_TRIPS.labels(provider).inc()

    def measure(self) -> None:
        """Set the gauges of the states. One that has rested is half open: pybreaker says so at the next call only."""
        for provider, state in list(self._states.items()):
            is_resting = state.state == pybreaker.STATE_OPEN and self.open_for_s(provider) > 0
            number = _STATES.index(state.state)
            BREAKER_STATE.labels(provider).set(number if is_resting else min(number, 1))

    def _breaker(self, provider: str) -> pybreaker.CircuitBreaker:
        if provider not in self._breakers:
            try:
                state = SharedState(self._redis, provider)
            except redis.RedisError as error:
                raise BackendUnavailable(f"Redis cannot be reached: {error}") from error
            self._states[provider] = state
            BREAKER_TRIPS.labels(provider)  # it exists before the first trip
            self._breakers[provider] = pybreaker.CircuitBreaker(
                fail_max=self._fail_max,
                reset_timeout=self._reset_timeout_s,
                exclude=list(NOT_COUNTED),
                listeners=[_BreakerListener()],
                state_storage=state,
                name=provider,
                throw_new_error_on_trip=False,
            )
        return self._breakers[provider]


def _raises(error: Exception) -> Callable[[], NoReturn]:
    def work() -> NoReturn:
        raise error

    return work


#: In the order of the gauge's values.
_STATES = (pybreaker.STATE_CLOSED, pybreaker.STATE_HALF_OPEN, pybreaker.STATE_OPEN)


class SharedState(pybreaker.CircuitRedisStorage):
    """pybreaker's storage in Redis, read every `REFRESH_S` and written only where something changes.

    pybreaker's own class sends Redis five commands for each call.
    """

    def __init__(self, connection: redis.Redis, provider: str) -> None:
        self._read_at = float("-inf")
        self._known = pybreaker.STATE_CLOSED
        self._failures = 0
        super().__init__(pybreaker.STATE_CLOSED, connection, namespace=f"rider:breaker:{provider}")

    @property
    def untroubled(self) -> bool:
        """Closed, and the last call succeeded."""
        return self.state == pybreaker.STATE_CLOSED and self._failures == 0

    @property
    def state(self) -> str:
        if time.monotonic() - self._read_at > REFRESH_S:
            self._read_at = time.monotonic()
            with suppress(redis.RedisError):  # the last copy is used
                names = [self._namespace("state"), self._namespace("fail_counter")]
                state, failures = cast("list[bytes | None]", self._redis.mget(names))
                known = (state or b"").decode("utf-8", "replace")
                self._known = known if known in _STATES else pybreaker.STATE_CLOSED
                self._failures = int(failures) if failures and failures.isdigit() else 0
        return self._known

    @state.setter
    def state(self, state: str) -> None:
        pybreaker.CircuitRedisStorage.state.fset(self, state)  # type: ignore[attr-defined]
        self._known = state

    def increment_counter(self) -> None:
        super().increment_counter()
        self._failures += 1

    def reset_counter(self) -> None:
        if self._failures:
            super().reset_counter()
            self._failures = 0


class _BreakerListener(pybreaker.CircuitBreakerListener):
    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        log.warning("the breaker of %s is %s", cb.name, new_state.name)
        if new_state.name == pybreaker.STATE_OPEN:
            BREAKER_TRIPS.labels(cb.name).inc()
