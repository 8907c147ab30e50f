"""Jobs over RabbitMQ. Start reading in `transport`, then `topology`."""

from __future__ import annotations

import os
from collections.abc import Callable

from rider_core.api import Health, JobTransport, hookimpl
from rider_queue_rabbitmq.health import check_health
from rider_queue_rabbitmq.settings import RabbitSettings
from rider_queue_rabbitmq.transport import RabbitTransport

RIDER_API = "1.0"

__all__ = ["RIDER_API", "RabbitSettings", "RabbitTransport"]


@hookimpl
def register_job_transports(register: Callable[[str, Callable[[], JobTransport]], None]) -> None:
    register(RabbitTransport.name, RabbitTransport)


@hookimpl
def register_health_checks(register: Callable[[str, Callable[[], Health]], None]) -> None:
    # Without this backend, a missing RabbitMQ is no problem to report.
    if os.environ.get("TASK_QUEUE_BACKEND") == RabbitTransport.name:
        register("RabbitMQ", lambda: check_health(RabbitSettings.from_environment()))
