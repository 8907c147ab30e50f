"""Reads the event bus: events update the panel's state and are passed to plugins; ended jobs go into the history,
outages of the robot into theirs."""

from __future__ import annotations

import logging
import threading

from rider_core.api import Event
from rider_core.errors import RiderError
from rider_core.metrics import EVENTS_DROPPED
from rider_core.runtime.services import Services
from rider_core.timing import ended_within
from rider_core.web.event_consumer import EventConsumer
from rider_core.web.events import EventProjection
from rider_core.web.history import job_record, seed_event
from rider_core.web.kept_jobs import JobKeeper
from rider_core.web.outages import OutageRecorder
from rider_core.web.panel_state import PanelState

log = logging.getLogger(__name__)

#: Past events and jobs that are loaded when the panel starts, and when Redis comes back.
SEED_EVENTS = 1_000
SEED_JOBS = 60
#: Interval in which ended jobs are written to the database, in seconds.
HISTORY_EVERY_S = 1.0
#: Wait after an unexpected error, in seconds.
RESTART_S = 2.0


class BusReader:
    """The panel's only subscriber of the event bus."""

    def __init__(self, services: Services, panel_state: PanelState, keeper: JobKeeper) -> None:
        self._services = services
        self._panel_state = panel_state
        self._keeper = keeper
        self._projection = EventProjection(panel_state)
        self._projection_lock = threading.Lock()
        self._stop = threading.Event()
        self._dropped = 0
        self._consumers = [
            EventConsumer("history", self._record, HISTORY_EVERY_S),
            EventConsumer("plugins", self._notify),
            EventConsumer("kept jobs", keeper.handle),
        ]
        outages = OutageRecorder(services.settings.database_location, panel_state)
        self._outages = EventConsumer("outages", outages.record, HISTORY_EVERY_S)
        self._thread = threading.Thread(target=self._read, name="bus", daemon=True)
        settings = services.settings
        panel_state.set_section("robot", {"address": settings.robot_address, "simulated": settings.simulated})
        panel_state.set_section("bus", {"dropped": 0})
        panel_state.set_section("database", {"problem": ""})
        panel_state.set_section("kept", keeper.policy)

    def start(self) -> None:
        self._keeper.load()
        for consumer in (*self._consumers, self._outages):
            consumer.start()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        ended_within(self._thread, 1.5)
        for consumer in (*self._consumers, self._outages):
            consumer.stop()

    def load_history(self) -> None:
        """Apply events from before the panel subscribed. Events that were applied already change nothing.

        Raises:
            BackendUnavailable: Redis cannot be reached.
        """
        past = self._services.bus.recent(SEED_EVENTS)
        ended_ids = {event.job_id for event in past}
        records = self._services.backend.recent(SEED_JOBS)
        ended = [event for record in records if record.id not in ended_ids and (event := seed_event(record))]
        with self._projection_lock:
            for event in [*ended, *past]:
                if self._projection.apply(event) and OutageRecorder.concerns(event):
                    self._outages.enqueue(event)

    def expire_processes(self) -> None:
        with self._projection_lock:
            self._projection.expire_processes()

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                for event in self._services.bus.subscribe(self._stop.is_set, self._count_dropped):
                    with self._projection_lock:
                        is_new = self._projection.apply(event)
                    if is_new and OutageRecorder.concerns(event):
                        self._outages.enqueue(event)
                    for consumer in self._consumers:
                        consumer.enqueue(event)
            except Exception:  # the top of a thread
                log.exception("reading the event bus failed, starting again")
                self._stop.wait(RESTART_S)

    def _count_dropped(self, count: int) -> None:
        EVENTS_DROPPED.labels("panel").inc(count)
        self._dropped += count
        self._panel_state.set_section("bus", {"dropped": self._dropped})

    def _record(self, events: list[Event]) -> None:
        records = [record for event in events if (record := job_record(event)) is not None]
        if not records:
            return
        problem = ""
        try:
            self._services.database.record_jobs(records)
        except RiderError as error:
            problem = str(error)[:600]
            if (self._panel_state.section("database") or {}).get("problem") != problem:
                log.error("the history of jobs is not written: %s", error)
        self._panel_state.set_section("database", {"problem": problem})

    def _notify(self, events: list[Event]) -> None:
        for event in events:
            self._services.plugins.notify("on_event", event=event)
