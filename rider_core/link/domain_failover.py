"""Decides which side should own each domain: fails over to the robot when the PC cannot serve, takes over when it can.

The robot itself notices only after 15 s that a PC is gone, and never that a PC answers but cannot work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from rider_core.api.steering import Choice
from rider_core.errors import InvalidInput
from rider_core.link.domain import FAILOVER_PREFIX, HEALTHY_FOR_S, USER_PREFIX, Domain
from rider_core.link.preferences import Preference, Preferences
from rider_core.link.readiness import Readiness
from rider_core.link.robot_domains import RobotDomains
from rider_core.link.suspend_detector import SuspendDetector
from rider_core.link.thread_watchdog import ThreadWatchdog
from rider_core.metrics import FAILOVERS

log = logging.getLogger(__name__)

#: Interval of the rounds, in seconds. With 0.5 s, vision and voice failed over up to 2.0 s after Redis began to hang:
#: 1.5 s until it counts as hanging, and this interval.
CHECK_EVERY_S = 0.25
#: Like `HEALTHY_FOR_S`, for the time after a suspend of the PC: the domains were not lost because of a fault.
AWAKE_FOR_S = 3.0
#: A failover within this time after a takeover, in seconds, doubles the wait before the next takeover, up to
#: `LONGEST_WAIT_S`: some faults, such as a frozen camera, show only while the PC serves the domain.
SOON_AGAIN_S = 60.0
LONGEST_WAIT_S = 300.0


class DomainFailover:
    """Runs in a thread of its own. `fail_over` and `prefer` may be called from others."""

    def __init__(
        self,
        robot: RobotDomains,
        preferences: Preferences,
        capacity: Callable[[], Mapping[str, int]],
        all_together: bool = False,
    ) -> None:
        """
        Args:
            robot: Reports and switches the domains.
            preferences: What people want for each domain.
            capacity: See `LinkServices`.
            all_together: Where vision fails over, so do the others: only then does the robot use its own detectors.
        """
        self._robot = robot
        self._preferences = preferences
        #: `set_bus_problem` may be called from any thread.
        self.readiness = Readiness(capacity, all_together)
        robot.on_lost = self._set_takeover_wait
        self._failover_requests: dict[str, str] = {}
        self._choices: list[tuple[str, Preference, threading.Event]] = []
        self._awake_since = float("-inf")
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self.watchdog = ThreadWatchdog("domain failover")
        self._thread = threading.Thread(target=self._run, name="domain-failover", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, fail_over: bool = True) -> None:
        """End the thread, then fail everything over: the robot must not wait for a PC that is gone."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=5)
        for name, domain in self._robot.domains.items():
            if fail_over and domain.mode == "pc":
                self._switch_to_local(name, "the PC's link ends", "end")

    def fail_over(self, domain: str, reason: str) -> None:
        """Request a failover in the next round, which starts at once."""
        with self._lock:
            self._failover_requests[domain] = reason
        self._wake.set()

    def prefer(self, domain: str, choice: Choice, by: str, why: str = "", timeout_s: float = 4.0) -> dict[str, Any]:
        """Set a person's preference. May be called from any thread but the robot bus's.

        Returns:
            The domain as `RobotDomains.describe` shows it after the switch was tried, or after `timeout_s` seconds;
            `tried`: whether it was tried.

        Raises:
            InvalidInput: the robot has no such domain.
        """
        return self.prefer_all({domain: choice}, by, why, timeout_s)[0]

    def prefer_all(
        self, choices: Mapping[str, Choice], by: str, why: str = "", timeout_s: float = 4.0
    ) -> list[dict[str, Any]]:
        """`prefer` for several domains, which are switched in the same round.

        Raises:
            InvalidInput: the robot lacks one of the domains. None is switched then.
        """
        known = self._robot.domains
        if unknown := [name for name in choices if name not in known]:
            raise InvalidInput(f"the robot has no domain {unknown[0]!r}", remedy=f"use one of {', '.join(known)}")
        tried = threading.Event()
        chosen = [
            (name, Preference(choice=choice, by=by[:64], why=why[:200], ts=time.time()), tried)
            for name, choice in choices.items()
        ]
        with self._lock:
            self._choices.extend(chosen)
        self._wake.set()
        was_tried = tried.wait(timeout_s)
        return [{**self._robot.describe(name), "tried": was_tried} for name in choices]

    def _run(self) -> None:
        suspend = SuspendDetector()
        while not self._stop.is_set():
            self.watchdog.feed()
            try:
                self._round()
            except Exception:  # the top of a thread
                log.exception("a round of the domain failover failed")
            suspend.begin()
            self._wake.wait(CHECK_EVERY_S)
            self._wake.clear()
            if suspended_s := suspend.suspended_s():
                self._after_suspend(suspended_s)

    def _round(self) -> None:
        problems = self.readiness.problems()
        with self._lock:
            choices = list(self._choices)
        # The answer to a person must be the robot's present state, so the robot is polled first.
        if choices or self._robot.is_due():
            self._robot.poll(problems)
        with self._lock:
            requests, self._failover_requests = self._failover_requests, {}
            del self._choices[: len(choices)]
        for name, preference, _ in choices:
            self._apply_choice(name, preference)
        domains = self._robot.domains
        preferred = {name: self._preferences.of(name).choice for name in domains}
        for name, reason in self.readiness.reasons(problems | requests, domains, preferred).items():
            cause = "results" if name in requests else self.readiness.cause(name, problems)
            self._decide(name, domains[name], reason, cause)
        self._keep_failed(requests)
        for _, _, tried in choices:
            tried.set()

    def _keep_failed(self, requests: dict[str, str]) -> None:
        """Repeat the requested failovers that failed in the next round."""
        with self._lock:
            for name, reason in requests.items():
                if self._robot.domains[name].mode == "pc" and self._robot.domains[name].failed_switches:
                    self._failover_requests.setdefault(name, reason)

    def _after_suspend(self, seconds: float) -> None:
        """The robot has fallen back to local meanwhile, or will after its next probe."""
        log.warning("this process was suspended for %.0f s", seconds)
        self._awake_since = time.monotonic()
        self._robot.poll_soon()
        for domain in self._robot.domains.values():
            domain.healthy_since = None
            domain.takeover_wait_s = min(domain.takeover_wait_s, self._first_wait_s())

    def _first_wait_s(self) -> float:
        """The wait before a takeover, in seconds, where the domain was not lost shortly before."""
        return AWAKE_FOR_S if time.monotonic() - self._awake_since < SOON_AGAIN_S else HEALTHY_FOR_S

    def _set_takeover_wait(self, domain: Domain) -> None:
        """A domain was lost: the next takeover waits longer where the last one was short ago."""
        soon = time.monotonic() - domain.taken_over_at < SOON_AGAIN_S
        domain.takeover_wait_s = min(2 * domain.takeover_wait_s, LONGEST_WAIT_S) if soon else self._first_wait_s()
        domain.healthy_since = None

    def _apply_choice(self, name: str, preference: Preference) -> None:
        log.info("%s: %s is wanted by %s %s", name, preference.choice, preference.by, preference.why)
        self._preferences.prefer(name, preference)
        domain = self._robot.domains[name]
        domain.requested, domain.takeover_wait_s = preference.choice == "pc", HEALTHY_FOR_S
        domain.switch_error = ""
        self._robot.publish(name)

    def _decide(self, name: str, domain: Domain, reason: str, cause: str) -> None:
        """
        Args:
            reason: Why the PC must not serve the domain now; empty: it may.
            cause: The kind of the reason, as in the metric `rider_failovers_total`.
        """
        domain.problem = reason
        preference = self._preferences.of(name)
        if preference.choice == "local" and domain.mode == "pc":
            self._robot.switch(name, "local", _user_reason(preference))
            return
        if reason:
            domain.healthy_since = None
            if domain.mode == "pc":
                self._switch_to_local(name, reason, cause)
            return
        now = time.monotonic()
        if domain.healthy_since is None:
            domain.healthy_since = now
        healthy_s = now - domain.healthy_since
        if domain.may_take_over(preference) and (domain.requested or healthy_s > domain.takeover_wait_s):
            self._take_over(name, domain, preference)

    def _switch_to_local(self, name: str, reason: str, cause: str) -> None:
        if not self._robot.domains[name].failed_switches:
            log.warning("%s fails over to the robot: %s", name, reason)
        if self._robot.switch(name, "local", FAILOVER_PREFIX + reason):
            FAILOVERS.labels(name, cause).inc()

    def _take_over(self, name: str, domain: Domain, preference: Preference) -> None:
        if not domain.failed_switches:
            log.info("%s can be served and is taken over; the robot's reason was: %s", name, domain.reason)
        if domain.mode == "pc":
            # One process of the robot fell back, and the robot's HTTP interface still reports "pc": a switch to "pc"
            # would change nothing there.
            self._robot.switch(name, "local", f"{FAILOVER_PREFIX}{domain.robot_fallback}, to be taken over again")
        reason = _user_reason(preference) if domain.requested else FAILOVER_PREFIX + "the PC can serve it again"
        if self._robot.switch(name, "pc", reason):
            domain.taken_over_at, domain.robot_fallback, domain.requested = time.monotonic(), "", False


def _user_reason(preference: Preference) -> str:
    """The reason of a switch that a person wants."""
    return f"{USER_PREFIX}{preference.by}" + (f": {preference.why}" if preference.why else "")
