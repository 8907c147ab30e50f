"""Finds outages of the robot and of the link in the events, and keeps them in the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from rider_core.api import Event
from rider_core.database.outages import Outage, open_outages, write_outages
from rider_core.errors import DatabaseError
from rider_core.metrics import EVENTS_DROPPED
from rider_core.web import untrusted
from rider_core.web.events import ALIVE_S
from rider_core.web.panel_state import PanelState

log = logging.getLogger(__name__)

#: The robot's interfaces, as the link tells of them.
CHANNELS = ("bus", "http")
LINK = "link"
KINDS = (*CHANNELS, LINK)
#: The panel state's section: how many outages were written since the panel's start, so that pages read them again.
SECTION = "outages"
#: Changes that wait for a database that cannot be written; later ones are lost.
_MAX_WAITING = 200
#: The longest time between two batches in which the panel listens, in seconds: its own status comes every 5.
_LONGEST_GAP_S = 6.0


class OutageRecorder:
    """Gets the events of robot and processes, in batches, in one thread.

    Events may come twice, and later than newer ones: those from before the panel's start are loaded after it. An outage
    that began while no panel ran has its right times, as long as Redis keeps the events.
    """

    def __init__(self, url: str, panel_state: PanelState, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            url: Of the database.
        """
        self._url = url
        self._panel_state = panel_state
        self._clock = clock
        self._open: dict[str, Outage] | None = None
        #: For each kind the time of the last event that told of it.
        self._told: dict[str, float] = {}
        self._link_heard: float | None = None
        #: For how long events of others came since the link's last one, in seconds: while Redis is away, none come.
        self._listened_s = 0.0
        self._last_batch = clock()
        self._waiting: list[Outage] = []
        self._written = 0

    @staticmethod
    def concerns(event: Event) -> bool:
        return event.kind in ("robot.link", "process.status")

    def record(self, events: list[Event]) -> None:
        """Keep the outages that begin or end with these events, or have begun by silence."""
        try:
            if self._open is None:
                self._open = {outage.what: outage for outage in open_outages(self._url)}
            for event in sorted(events, key=lambda it: it.ts):
                for what, problem, ts in self._reports(event):
                    self._apply(self._open, what, problem, ts)
            self._look_for_silence(self._open)
            self._write()
        except DatabaseError as error:
            log.debug("outages are not written yet: %s", error)

    def _reports(self, event: Event) -> Iterator[tuple[str, str, float]]:
        """What it tells: a kind, its problem (empty: none), and since when."""
        data = event.data
        if event.kind == "process.status":
            if untrusted.name(data, "role") != LINK:
                return
            stopped = untrusted.name(data, "state") == "stopped"
            self._link_heard, self._listened_s = max(self._link_heard or 0.0, event.ts), 0.0
            yield LINK, "its process was stopped" if stopped else "", event.ts
            if stopped:
                return
        channels = data.get("channels")
        if isinstance(channels, dict):
            yield from ((what, untrusted.text(channels, what), event.ts) for what in CHANNELS if what in channels)

    def _apply(self, known: dict[str, Outage], what: str, problem: str, ts: float) -> None:
        if ts <= self._told.get(what, 0.0):
            return
        self._told[what] = ts
        was = known.get(what)
        if problem and was is None:
            known[what] = Outage(what, ts, None, problem)
            self._waiting.append(known[what])
        elif not problem and was is not None:
            self._waiting.append(known.pop(what)._replace(end_ts=max(ts, was.begin_ts)))

    def _look_for_silence(self, known: dict[str, Outage]) -> None:
        heard, now = self._link_heard, self._clock()
        self._listened_s += max(0.0, min(now - self._last_batch, _LONGEST_GAP_S))
        self._last_batch = now
        if heard is not None and self._listened_s > ALIVE_S and LINK not in known:
            known[LINK] = Outage(LINK, heard, None, "its process does not answer")
            self._waiting.append(known[LINK])

    def _write(self) -> None:
        EVENTS_DROPPED.labels("outages").inc(len(self._waiting[_MAX_WAITING:]))
        del self._waiting[_MAX_WAITING:]
        if not self._waiting:
            return
        write_outages(self._url, self._waiting)
        self._written += len(self._waiting)
        self._waiting.clear()
        self._panel_state.set_section(SECTION, {"written": self._written})
