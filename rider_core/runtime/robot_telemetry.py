"""The robot's telemetry in Redis: the link writes it once a second, and the panel reads it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import redis
from pydantic import ValidationError

from rider_core.api.telemetry import TelemetryView
from rider_core.redis_errors import redis_errors
from rider_core.redis_functions import Key
from rider_core.runtime.periodic_thread import PeriodicThread

log = logging.getLogger(__name__)

telemetry_key = Key(
    "telemetry", "rider:telemetry", "string", "a day after the link's end", "what the robot told about itself last"
)
EVERY_S = 1.0
_KEPT_S = 86_400


class TelemetryWriter:
    """The link's side, in a thread of its own: neither the robot's bus nor its domains wait for Redis."""

    def __init__(self, connection: redis.Redis, view: Callable[[], TelemetryView]) -> None:
        self._redis = connection
        self._view = view
        self._thread = PeriodicThread("telemetry", self._write, EVERY_S, "the robot's telemetry cannot be shown")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()

    def _write(self) -> None:
        view = self._view().model_dump_json(exclude_none=True)
        try:
            self._redis.set(telemetry_key(), view, ex=_KEPT_S)
        except redis.RedisError as error:
            log.debug("the robot's telemetry is not shown: %s", error)


def last_telemetry(connection: redis.Redis) -> TelemetryView:
    """What the link wrote last; empty: nothing yet, or nothing of this version.

    Raises:
        BackendUnavailable: Redis cannot be reached.
    """
    with redis_errors():
        found = cast("bytes | None", connection.get(telemetry_key()))
    with suppress(ValidationError):
        return TelemetryView.model_validate_json(found or b"{}")
    return TelemetryView()
