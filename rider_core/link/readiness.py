"""Which domains the PC can serve now, by the workers' capacity and the robot's bus, and why not the others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from rider_core.api.steering import Choice
from rider_core.errors import BackendUnavailable
from rider_core.link.domain import TASK_OF_DOMAIN, Domain

#: For this time after the link's start, in seconds, a domain that no worker has served yet is no problem: workers load
#: their models.
START_GRACE_S = 20.0
#: A bus that is down for less than this, in seconds, is no problem: a broker that restarts is back by then.
BUS_GRACE_S = 0.5
#: A domain whose worker has been away for less than this, in seconds, is no problem: one that is started again (its
#: memory reached its limit, or an engine ended it) has opened its engines by then. Frames have a shorter deadline of
#: their own (`vision_monitor`).
WORKER_GRACE_S = 3.0
OVER_THE_BUS = ("voice", "vision")


class Readiness:
    """Belongs to the thread of `DomainFailover`, except `set_bus_problem`."""

    def __init__(self, capacity: Callable[[], Mapping[str, int]], all_together: bool) -> None:
        """
        Args:
            capacity: See `LinkServices`.
            all_together: Whether no domain may be served while vision cannot.
        """
        self._capacity = capacity
        self._all_together = all_together
        self._bus_problem, self._bus_since = "", 0.0
        self._started = time.monotonic()
        #: Domains that could be served at some time since the start.
        self._served_once: set[str] = set()
        #: Domain to when there was a worker for it last.
        self._attended: dict[str, float] = {}

    def set_bus_problem(self, problem: str) -> None:
        """Set why the robot's bus is down; empty: it is up. May be called from any thread."""
        if bool(problem) != bool(self._bus_problem):
            self._bus_since = time.monotonic()
        self._bus_problem = problem

    def problems(self) -> dict[str, str]:
        """Domain to why it cannot be served now, each on its own."""
        problems = self._problems_now()
        if time.monotonic() - self._started < START_GRACE_S:
            return {name: problem for name, problem in problems.items() if name in self._served_once}
        return problems

    def cause(self, name: str, problems: Mapping[str, str]) -> str:
        """The kind of a domain's problem, as in the metric `rider_failovers_total`."""
        if name not in problems:
            return "other_domain"
        return "bus" if problems[name] == self._bus_problem else "workers"

    def reasons(
        self, problems: Mapping[str, str], domains: Mapping[str, Domain], choices: Mapping[str, Choice]
    ) -> dict[str, str]:
        """Domain to why the PC must not serve it now; empty: it may.

        A problem of one domain may concern others, because the robot has one AI mode for all of them.

        Args:
            choices: People's preferences.
        """
        reasons = {name: problems.get(name, "") for name in domains}
        voice, vision = domains["voice"], domains["vision"]
        if reasons["voice"] and (voice.mode == "pc" or voice.is_lost) and not reasons["text"]:
            # With text alone at the PC, the robot's voice service would go on streaming instead of recognising itself.
            reasons["text"] = f"voice is not served: {reasons['voice']}"
        is_lost = vision.is_lost and choices["vision"] != "local"
        if self._all_together and (vision.mode == "pc" or is_lost):
            lost = reasons["vision"] or (is_lost and "vision is not back yet")
            if lost:
                reasons |= {name: reason or f"vision: {lost}" for name, reason in reasons.items() if name != "vision"}
        return reasons

    def _problems_now(self) -> dict[str, str]:
        problems = {}
        if self._bus_problem and time.monotonic() - self._bus_since > BUS_GRACE_S:
            problems = dict.fromkeys(OVER_THE_BUS, self._bus_problem)
        try:
            capacity = self._capacity()
        except BackendUnavailable as error:
            return dict.fromkeys(TASK_OF_DOMAIN, str(error))
        now = time.monotonic()
        for name, task in TASK_OF_DOMAIN.items():
            if capacity.get(task):
                self._attended[name] = now
            elif now - self._attended.get(name, -math.inf) > WORKER_GRACE_S:
                problems[name] = f"no worker can do {task}"
        self._served_once |= TASK_OF_DOMAIN.keys() - problems.keys()
        return problems
