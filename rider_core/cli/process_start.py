"""The start of every process that needs Redis."""

from __future__ import annotations

from rider_core.config import Settings, load_settings
from rider_core.runtime.data_folder import set_private_umask
from rider_core.runtime.process import die_with_supervisor, observe_process
from rider_core.runtime.redis_connection import wait_for_redis


def start_process(role: str) -> Settings:
    """Set up logging, wait for Redis, and return the settings."""
    settings = load_settings()
    observe_process(role, settings)
    die_with_supervisor()
    set_private_umask()
    wait_for_redis(
        settings.redis_location,
        remedy="start it, or correct REDIS_URL" if settings.redis_url else "start `rider up` first",
    )
    return settings
