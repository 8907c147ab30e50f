"""Writes a row about each minute into the database, for the charts."""

from __future__ import annotations

import logging
import statistics
import time

import psutil

from rider_core.database.minutes import MINUTE_S, Minute, write_minute
from rider_core.errors import DatabaseError
from rider_core.runtime.periodic_thread import PeriodicThread
from rider_core.runtime.services import Services
from rider_core.web.minute_figures import EngineMetrics, GpuSamples
from rider_core.web.panel_state import PanelState

log = logging.getLogger(__name__)

#: How often the queues' lengths are looked at, in seconds.
LOOK_EVERY_S = 5.0


class MinuteRecorder:
    """Looks at the panel's state, in a thread of its own."""

    def __init__(self, services: Services, panel_state: PanelState) -> None:
        self._url = services.settings.database_location
        self._panel_state = panel_state
        self._engines, self._gpus = EngineMetrics(), GpuSamples()
        self._minute, self._most_waiting = _minute_of(time.time()), 0
        self._thread = PeriodicThread("minutes", self._look, LOOK_EVERY_S, "a minute is missing in the charts")

    def start(self) -> None:
        self._engines.read()
        psutil.cpu_percent()  # its first answer means nothing; later ones are means since the one before
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()

    def _look(self) -> None:
        self._most_waiting = max(self._most_waiting, self._waiting())
        self._gpus.look()
        now = _minute_of(time.time())
        if now == self._minute:
            return
        # First: a minute that cannot be written is not tried again.
        (ended, waiting), self._minute, self._most_waiting = (self._minute, self._most_waiting), now, 0
        try:
            self._record(ended, waiting)
        except DatabaseError as error:
            log.debug("a minute is missing in the charts: %s", error)

    def _waiting(self) -> int:
        queues = self._panel_state.section("queues") or {"figures": []}
        return sum(int(each["waiting"]) for each in queues["figures"])

    def _record(self, begin: int, waiting: int) -> None:
        rows = self._panel_state.snapshot()["rows"]
        activity = [row for row in rows["activity"] if begin <= row["ts"] < begin + MINUTE_S]
        latencies = [
            row["latency_s"]
            for row in rows["transcripts"]
            if begin <= row["ts"] < begin + MINUTE_S and row["latency_s"] is not None
        ]
        engines = self._engines.read()
        gpu_pct, gpu_memory_pct = self._gpus.mean()
        write_minute(
            self._url,
            Minute(
                ts=begin,
                done=sum(row["good"] for row in activity),
                bad=sum(row["bad"] for row in activity),
                waiting=waiting,
                latency_s=statistics.median(latencies) if latencies else None,
                cpu_pct=psutil.cpu_percent(),
                memory_pct=psutil.virtual_memory().percent,
                gpu_pct=gpu_pct,
                gpu_memory_pct=gpu_memory_pct,
                **(engines._asdict() if engines else {}),
            ),
        )


def _minute_of(ts: float) -> int:
    return int(ts) // MINUTE_S * MINUTE_S
