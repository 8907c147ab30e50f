"""Polls what no event announces: whether Redis answers, the queues' statistics, the plugins' states, and the robot's
telemetry."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from rider_core.errors import BackendUnavailable
from rider_core.runtime.periodic_thread import PeriodicThread
from rider_core.runtime.robot_telemetry import EVERY_S as TELEMETRY_S
from rider_core.runtime.robot_telemetry import last_telemetry
from rider_core.runtime.services import Services
from rider_core.web.panel_state import PanelState
from rider_core.web.plugin_pages import describe_host
from rider_core.web.plugins import MAX_REASON, describe_plugins
from rider_core.web.reader import BusReader

#: How often past events are loaded after Redis came up. The second load, one interval later, has the events between the
#: first load and the reader's own start position in the stream.
SEEDS = 2


class Poller:
    """Threads that update the sections of the panel's state that no event updates."""

    def __init__(self, services: Services, panel_state: PanelState, reader: BusReader) -> None:
        self._services = services
        self._panel_state = panel_state
        self._reader = reader
        self._seeds_left = SEEDS
        every_s = services.settings.web_refresh_s
        self._threads = (
            PeriodicThread("poll", self._poll, every_s, "polling Redis, queues and plugins failed"),
            PeriodicThread("telemetry", self._read_telemetry, TELEMETRY_S, "reading the robot's telemetry failed"),
        )

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for thread in self._threads:
            thread.stop()

    def _read_telemetry(self) -> None:
        with suppress(BackendUnavailable):  # the other thread tells of it; what is shown gets old
            told = last_telemetry(self._services.redis)
            self._panel_state.set_section("telemetry", told.model_dump(mode="json"))

    def _poll(self) -> None:
        self._panel_state.set_section("plugins", describe_plugins(self._services))
        self._panel_state.set_section("plugin_host", describe_host(self._services.plugins))
        self._reader.expire_processes()
        redis = describe_redis(self._services)
        self._panel_state.set_section("redis", redis)
        if not redis["up"]:
            self._seeds_left = SEEDS
            return
        try:
            if self._seeds_left:
                self._reader.load_history()
                self._seeds_left -= 1
            stats = [queue.model_dump() for queue in self._services.backend.stats()]
            self._panel_state.set_section("queues", {"figures": stats, "problem": ""})
        except BackendUnavailable as error:
            self._panel_state.set_section("queues", {"figures": [], "problem": str(error)[:MAX_REASON]})


def describe_redis(services: Services) -> dict[str, Any]:
    """Whether Redis answers, its product, version and address; without the password that its URL may contain."""
    url = services.settings.redis_url
    section: dict[str, Any] = {"embedded": url is None, "address": _shown_address(url), "up": False, "reason": ""}
    try:
        info = services.redis_info()
    except BackendUnavailable as error:
        return section | {"reason": str(error)[:MAX_REASON]}
    valkey = info.get("valkey_version")
    return section | {
        "up": True,
        "write_problem": services.redis_write_problem(info),
        "product": "Valkey" if valkey else "Redis",
        "version": str(valkey or info.get("redis_version", ""))[:20],
        "memory_mb": round(int(info.get("used_memory", 0)) / 1e6),
    }


def _shown_address(url: str | None) -> str:
    if url is None:
        return ""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or ''}:{parts.port or 6379}"
