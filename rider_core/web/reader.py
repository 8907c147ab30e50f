"""Reads the bus: every event to the board, ended jobs to the database's history, everything to the plugins."""

from __future__ import annotations

import logging
import threading

from rider_core.api import Event
from rider_core.errors import RiderError
from rider_core.metrics import EVENTS_DROPPED
from rider_core.runtime.services import Services
from rider_core.timing import ended_within
from rider_core.web.board import Board
from rider_core.web.events import EventIntake
from rider_core.web.follower import Follower
from rider_core.web.history import job_record, seed_event

log = logging.getLogger(__name__)

#: The past that is read when the panel starts, and whenever Redis comes back.
SEED_EVENTS = 1_000
SEED_JOBS = 60
#: Ended jobs go into the database together.
HISTORY_EVERY_S = 1.0
#: After an error that should not be.
RESTART_S = 2.0


class BusReader:
    """The one reader of the bus in the panel."""

    def __init__(self, services: Services, board: Board) -> None:
        self._services = services
        self._board = board
        self._intake = EventIntake(board)
        self._intake_lock = threading.Lock()
        self._stop = threading.Event()
        self._dropped = 0
        self._followers = [
            Follower("history", self._record, HISTORY_EVERY_S),
            Follower("plugins", self._notify),
        ]
        self._thread = threading.Thread(target=self._read, name="bus", daemon=True)
        settings = services.settings
        board.set_section("robot", {"address": settings.robot_address, "simulated": settings.simulated})
        board.set_section("bus", {"dropped": 0})
        board.set_section("database", {"problem": ""})

    def start(self) -> None:
        for follower in self._followers:
            follower.start()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        ended_within(self._thread, 1.5)
        for follower in self._followers:
            follower.stop()

    def take_in_past(self) -> None:
        """Show what was said before the panel listened. Events that are known already change nothing.

        Raises:
            BackendUnavailable: Redis cannot be reached.
        """
        past = self._services.bus.recent(SEED_EVENTS)
        told = {event.job_id for event in past}
        records = self._services.backend.recent(SEED_JOBS)
        ended = [event for record in records if record.id not in told and (event := seed_event(record))]
        with self._intake_lock:
            for event in [*ended, *past]:
                self._intake.take(event)

    def let_time_pass(self) -> None:
        with self._intake_lock:
            self._intake.let_time_pass()

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                for event in self._services.bus.listen(self._stop.is_set, self._note_dropped):
                    with self._intake_lock:
                        self._intake.take(event)
                    for follower in self._followers:
                        follower.offer(event)
            except Exception:  # the top of a thread: the panel must not go blind
                log.exception("reading the event bus failed, starting again")
                self._stop.wait(RESTART_S)

    def _note_dropped(self, count: int) -> None:
        EVENTS_DROPPED.labels("panel").inc(count)
        self._dropped += count
        self._board.set_section("bus", {"dropped": self._dropped})

    def _record(self, events: list[Event]) -> None:
        records = [record for event in events if (record := job_record(event)) is not None]
        if not records:
            return
        problem = ""
        try:
            self._services.database.record_jobs(records)
        except RiderError as error:
            problem = str(error)[:600]
            if (self._board.section("database") or {}).get("problem") != problem:
                log.error("the history of jobs is not written: %s", error)
        self._board.set_section("database", {"problem": problem})

    def _notify(self, events: list[Event]) -> None:
        for event in events:
            self._services.plugins.notify("on_event", event=event)
