"""The health check: whether RabbitMQ answers, and its version."""

from __future__ import annotations

import threading
from typing import Any

from pika.connection import Connection

from rider_core.api import Health
from rider_queue_rabbitmq.connection import IoConnection
from rider_queue_rabbitmq.error_mapping import map_error
from rider_queue_rabbitmq.settings import RabbitSettings

#: `JobTransport.health` has five seconds. A name look-up can take longer than pika's own limits.
_LIMIT_S = 4.5


def check_health(settings: RabbitSettings) -> Health:
    """Log in with a connection of its own."""
    properties: dict[str, Any] = {}
    reasons: list[Exception] = []

    def on_open(connection: Connection) -> None:
        properties.update(connection.server_properties or {})
        io.close()

    io = IoConnection(settings, on_open)
    thread = threading.Thread(target=lambda: reasons.append(io.run()), name="rider-rabbitmq-health", daemon=True)
    thread.start()
    thread.join(_LIMIT_S)
    if properties:
        return Health.ok(f"{_text(properties, 'product')} {_text(properties, 'version')}")
    io.close()
    if not reasons:
        reasons.append(TimeoutError(None, "no answer in time"))
    fault = map_error(reasons[0], settings)
    return Health.unavailable(fault.message, fault.remedy)


def _text(properties: dict[str, Any], name: str) -> str:
    return str(properties.get(name, "?"))[:50]
