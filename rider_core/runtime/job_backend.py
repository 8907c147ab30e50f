"""Opens the job backend that the settings name, as part of `Services` or alone."""

from __future__ import annotations

from redis import Redis

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.jobs import DEFAULT_TIMINGS, JobTimings, RedisJobBackend
from rider_core.jobs.broker import BrokerTransport
from rider_core.jobs.rq_lists import RQLists
from rider_core.pluginhost import PluginHost
from rider_core.runtime.plugins import load_plugins


def open_backend(
    settings: Settings,
    connection: Redis,
    plugins: PluginHost | None = None,
    timings: JobTimings = DEFAULT_TIMINGS,
) -> RedisJobBackend:
    """The backend. Nothing is sent yet.

    Args:
        plugins: None: plugins are loaded only if the backend needs one, which saves memory.

    Raises:
        ConfigError: there is no backend of that name.
        PluginError: a required plugin is not usable.
    """
    if settings.queue_backend == RQLists.name:
        return RedisJobBackend(connection, RQLists(), timings)
    transports = (plugins or load_plugins(settings)).registry.job_transports
    factory = transports.get(settings.queue_backend)
    if factory is None:
        names = ", ".join([RQLists.name, *transports])
        raise ConfigError(
            f"there is no job backend {settings.queue_backend!r}",
            remedy=f"set TASK_QUEUE_BACKEND to one of {names}, or install the plugin that brings it",
        )
    return RedisJobBackend(connection, BrokerTransport(factory()), timings)
