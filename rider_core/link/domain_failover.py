"""Who serves each domain: watching the robot's word for it, and handing a domain back as soon as we cannot serve it.

The robot itself notices only after 15 s that a PC is gone, and never that a PC is there but cannot work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rider_core.api.messages import parse_message
from rider_core.api.steering import Choice, HeartbeatView, Switch
from rider_core.errors import InvalidInput, RobotError
from rider_core.link.domain import (
    FAILOVER_PREFIX,
    HEALTHY_FOR_S,
    ROBOT_FALLBACK_REASONS,
    TASK_OF_DOMAIN,
    USER_PREFIX,
    Domain,
    switched_by,
)
from rider_core.link.messages import DomainState
from rider_core.link.preferences import Preference, Preferences
from rider_core.link.readiness import Readiness
from rider_core.link.robot_api import Mode, RobotApi
from rider_core.link.services import LinkServices
from rider_core.link.suspend_detector import SuspendDetector
from rider_core.link.thread_watchdog import ThreadWatchdog

log = logging.getLogger(__name__)

#: The robot forgets our address when its interface restarts, so it is told again this often.
HEARTBEAT_EVERY_S = 5.0
#: Workers are looked at more often than that: the robot waits for as long as we do not notice. With 0.5 s a Redis that
#: hung was told up to 2.0 s later (1.5 s until it counts as hanging, and this).
CHECK_EVERY_S = 0.25
#: After the PC stood still a domain is taken after this much health: what was lost was not lost for an ailment.
AWAKE_FOR_S = 3.0
#: A reason is for people, in characters.
MAX_REASON = 200
#: Who has to hand a domain back again this soon after it was taken waits twice as long before it is taken the next
#: time, and so on up to the longest wait: what ails it shows only while we serve it, as a frozen camera does.
SOON_AGAIN_S = 60.0
LONGEST_WAIT_S = 300.0
#: The robot's own detectors rest while its AI mode is this one, and its voice streams to us when it starts.
OFFLOADS = "pc_offload"


@dataclass(frozen=True)
class DomainOwner:
    """Who serves a domain.

    Attributes:
        mode: `pc` or `local`; empty: the robot was not heard yet.
        since: When we learned it (monotonic).
        unattended: The PC does not serve it, and the robot's own programs rest because another domain is with the PC.
        is_lost: The PC served it and does not any more, by no person's doing.
    """

    mode: str
    since: float
    unattended: bool = False
    is_lost: bool = False


class DomainFailover:
    """Runs in a thread of its own; `fail_over`, `receive_state` and `prefer` may be called from others."""

    def __init__(
        self,
        services: LinkServices,
        api: RobotApi,
        base_url: str,
        on_robot: Callable[[str], None],
        preferences: Preferences | None = None,
        all_together: bool = False,
    ) -> None:
        """
        Args:
            on_robot: Told what is wrong with the robot's HTTP interface, or "" when it answers, at each change.
            preferences: What people want for each domain; None: nothing yet, and it is kept in memory.
            all_together: Where vision is handed back, so are the others: only then does the robot look for itself.
        """
        self._services = services
        self._api = api
        self._base_url = base_url
        self._on_robot = on_robot
        self._preferences = preferences or Preferences(None)
        #: Its `set_bus_problem` may be called from any thread.
        self.readiness = Readiness(services.capacity, all_together)
        self._ai_mode = ""
        self._domains: dict[str, Domain] = {name: Domain() for name in TASK_OF_DOMAIN}
        self._wanted_back: dict[str, str] = {}
        self._chosen: list[tuple[str, Preference, threading.Event]] = []
        self._awake_since = float("-inf")
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._next_heartbeat = 0.0
        self._heartbeat_ts: float | None = None
        self._robot_problem: str | None = None
        self.watchdog = ThreadWatchdog("custody")
        self._thread = threading.Thread(target=self._run, name="custody", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, fail_over: bool = True) -> None:
        """Hand everything back, then end: a PC that goes must not leave the robot waiting."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=5)
        for name, domain in self._domains.items():
            if fail_over and domain.mode == "pc":
                self._fail_over(name, "the PC's link ends")

    def fail_over(self, domain: str, reason: str) -> None:
        """Ask for a domain to be handed back now."""
        with self._lock:
            self._wanted_back[domain] = reason
        self._wake.set()

    def owner(self, domain: str) -> DomainOwner:
        """Who serves a domain now. May be called from any thread."""
        known = self._domains[domain]
        unattended = known.mode == "local" and self._ai_mode == OFFLOADS
        return DomainOwner(known.mode, known.since, unattended, known.is_lost)

    def is_failed_over(self, domain: str) -> bool:
        """Whether we gave it to the robot because we could not serve it. May be called from any thread."""
        return self._domains[domain].is_failed_over

    def prefer(self, domain: str, choice: Choice, by: str, why: str = "", timeout_s: float = 4.0) -> dict[str, Any]:
        """A person chooses who serves a domain. May be called from any thread but the robot bus's.

        Returns:
            The domain as `describe` shows it after the robot was asked, or after `timeout_s` seconds; `asked`: which.

        Raises:
            InvalidInput: the robot has no such domain.
        """
        if domain not in self._domains:
            raise InvalidInput(f"the robot has no domain {domain!r}", remedy=f"use one of {', '.join(self._domains)}")
        preference = Preference(choice=choice, by=by[:64], why=why[:200], ts=time.time())
        tried = threading.Event()
        with self._lock:
            self._chosen.append((domain, preference, tried))
        self._wake.set()
        asked = tried.wait(timeout_s)
        return {**self.describe(domain), "asked": asked}

    def agrees(self, domain: str) -> bool:
        """Whether the robot's last word is what a person wants. Where that is "automatic", either mode is."""
        known, choice = self._domains[domain], self._preferences.of(domain).choice
        if choice == "automatic":
            return known.mode != ""
        return known.mode == choice and not known.robot_fallback

    def describe(self, domain: str) -> dict[str, Any]:
        """A domain for people: who serves it and why, what is wanted, and what stands against it."""
        known, preference = self._domains[domain], self._preferences.of(domain)
        return {
            "domain": domain,
            "mode": known.mode,
            "status": known.status,
            "reason": known.reason,
            "choice": preference.choice,
            "by": preference.by,
            "why": preference.why,
            "problem": known.problem or known.refusal,
            # The robot's own voice and text programs work on; its detectors rest.
            "unattended": domain == "vision" and self.owner(domain).unattended,
        }

    @property
    def heartbeat(self) -> HeartbeatView:
        """Our last sign of life to the robot. May be read from any thread."""
        problem = "not sent yet" if self._robot_problem is None else self._robot_problem
        return HeartbeatView(sent_ts=self._heartbeat_ts, answered=not problem, problem=problem)

    @property
    def switches(self) -> list[Switch]:
        """Who switched what when, oldest first. May be read from any thread."""
        return self._preferences.switches

    def receive_state(self, body: dict[str, Any]) -> None:
        """`provider.*.state`: the robot says who serves a domain.

        Raises:
            InvalidInput: it is not such a message.
        """
        state = parse_message(DomainState, body)
        if state.domain in self._domains:
            gave_up = state.mode == "local" and state.reason in ROBOT_FALLBACK_REASONS
            domain = self._domains[state.domain]
            domain.robot_fallback = state.reason or "" if gave_up else ""
            domain.told = time.monotonic()
            self._note(state)

    def _run(self) -> None:
        suspend = SuspendDetector()
        while not self._stop.is_set():
            self.watchdog.feed()
            try:
                self._round()
            except Exception:  # the top of a thread
                log.exception("the domains could not be looked after")
            suspend.begin()
            self._wake.wait(CHECK_EVERY_S)
            self._wake.clear()
            if suspended_s := suspend.suspended_s():
                self._stood_still(suspended_s)

    def _round(self) -> None:
        problems = self.readiness.problems()
        with self._lock:
            chosen = list(self._chosen)
        # A person is told what the robot reports now, so the robot is asked first.
        if chosen or time.monotonic() >= self._next_heartbeat:
            self._next_heartbeat = time.monotonic() + HEARTBEAT_EVERY_S
            self._talk_to_robot(problems)
        with self._lock:
            wanted, self._wanted_back = self._wanted_back, {}
            del self._chosen[: len(chosen)]
        for name, preference, _ in chosen:
            self._choose(name, preference)
        choices = {name: self._preferences.of(name).choice for name in self._domains}
        for name, reason in self.readiness.reasons(problems | wanted, self._domains, choices).items():
            self._look_after(name, self._domains[name], reason)
        self._ask_again(wanted)
        for _, _, tried in chosen:
            tried.set()

    def _ask_again(self, wanted: dict[str, str]) -> None:
        """What was asked for once, and failed, is tried in the next round, too."""
        with self._lock:
            for name, reason in wanted.items():
                if self._domains[name].mode == "pc" and self._domains[name].failed_switches:
                    self._wanted_back.setdefault(name, reason)

    def _stood_still(self, seconds: float) -> None:
        """The robot has given us up meanwhile, or will at its next look."""
        log.warning("this PC stood still for %.0f s", seconds)
        self._awake_since = time.monotonic()
        self._next_heartbeat = 0.0
        for domain in self._domains.values():
            domain.healthy_since = None
            domain.wait_s = min(domain.wait_s, self._first_wait_s())

    def _first_wait_s(self) -> float:
        """How long a domain must be healthy before it is taken again, where it was not lost just before."""
        return AWAKE_FOR_S if time.monotonic() - self._awake_since < SOON_AGAIN_S else HEALTHY_FOR_S

    def _choose(self, name: str, preference: Preference) -> None:
        log.info("%s: %s is wanted by %s %s", name, preference.choice, preference.by, preference.why)
        self._preferences.prefer(name, preference)
        domain = self._domains[name]
        domain.asked, domain.wait_s, domain.refusal = preference.choice == "pc", HEALTHY_FOR_S, ""
        self._publish(name)

    def _look_after(self, name: str, domain: Domain, reason: str) -> None:
        domain.problem = reason
        preference = self._preferences.of(name)
        if preference.choice == "local" and domain.mode == "pc":
            self._switch(name, "local", _persons(preference))
            return
        if reason:
            domain.healthy_since = None
            if domain.mode == "pc":
                self._fail_over(name, reason)
            return
        now = time.monotonic()
        if domain.healthy_since is None:
            domain.healthy_since = now
        healthy_s = now - domain.healthy_since
        if domain.may_be_taken(preference) and (domain.asked or healthy_s > domain.wait_s):
            self._take(name, domain, preference)

    def _talk_to_robot(self, problems: dict[str, str]) -> None:
        try:
            status = "degraded" if problems else "ok"
            reason = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
            # Asked first: another program that answers at the robot's address is sent nothing.
            asked = time.monotonic()
            for state in self._api.domains().values():
                self._note_answer(state, asked)
            self._heartbeat_ts = time.time()
            self._api.send_heartbeat(self._base_url, status, reason[:MAX_REASON])
            self._ai_mode = self._api.ai_mode()
        except RobotError as error:
            self._robot_is(str(error))
        else:
            self._robot_is("")

    def _robot_is(self, problem: str) -> None:
        if problem != self._robot_problem:
            self._robot_problem = problem
            self._on_robot(problem)

    def _note_answer(self, state: DomainState, asked: float) -> None:
        """Keep what the robot answers over HTTP, unless its bus has said something else since it was asked.

        Nobody can tell which of the two is older: the robot is asked again in the next round. Believed, an answer that
        was overtaken would hide for 5 s that a domain is ours.
        """
        domain = self._domains[state.domain]
        if domain.told > asked and domain.mode != state.mode:
            self._next_heartbeat = 0.0
        else:
            self._note(state)

    def _note(self, state: DomainState) -> None:
        """Keep what the robot says of a domain, and pass on what is new in it."""
        name, domain = state.domain, self._domains[state.domain]
        mode, status, reason = state.mode, state.status, state.reason or ""
        if (mode, status, reason) == (domain.mode, domain.status, domain.reason):
            return
        was = domain.mode
        if mode != was:
            # Before the mode: who reads "pc" in between, with the time of the mode before, would miss our frames since.
            domain.since, domain.refusal = time.monotonic(), ""
        domain.mode, domain.status, domain.reason = mode, status, reason
        self._remember(name, mode, reason)
        if mode != was:
            # The robot derives its AI mode so; it is asked for it every some seconds, because people may set another.
            self._ai_mode = OFFLOADS if any(it.mode == "pc" for it in self._domains.values()) else "local"
            if was == "pc" and domain.is_lost:
                again = time.monotonic() - domain.taken < SOON_AGAIN_S
                domain.wait_s = min(2 * domain.wait_s, LONGEST_WAIT_S) if again else self._first_wait_s()
                domain.healthy_since = None
        log.info("%s is served by %s (%s) %s", name, mode, status, reason)
        self._publish(name)

    def _publish(self, name: str) -> None:
        self._services.publish("robot.domain", **self.describe(name))

    def _remember(self, name: str, mode: Mode, reason: str) -> None:
        """Keep it for the history. Where a person has switched it at the robot, that counts from now on."""
        if mode == "pc" and self._domains[name].robot_fallback:
            return  # the robot's HTTP interface does not know it
        by = switched_by(reason)
        was = self._preferences.last_seen(name)
        self._preferences.note(name, mode, by, reason)
        wanted = self._preferences.of(name).choice
        if by == "at the robot" and was not in (("", ""), (mode, reason)) and wanted not in ("automatic", mode):
            log.info("%s was switched to %s at the robot (%s): that counts from now on", name, mode, reason)
            self._preferences.prefer(name, Preference())

    def _fail_over(self, name: str, reason: str) -> None:
        if not self._domains[name].failed_switches:
            log.warning("%s is handed back to the robot: %s", name, reason)
        self._switch(name, "local", FAILOVER_PREFIX + reason)

    def _take(self, name: str, domain: Domain, preference: Preference) -> None:
        if not domain.failed_switches:
            log.info("%s can be served and is taken; the robot had it because: %s", name, domain.reason)
        if domain.mode == "pc":
            # What gave us up is one process, and the interface that we ask believes that we still have it: to be given
            # what we have changes nothing there.
            self._switch(name, "local", f"{FAILOVER_PREFIX}{domain.robot_fallback}, to be taken anew")
        reason = _persons(preference) if domain.asked else FAILOVER_PREFIX + "the PC can serve it again"
        if self._switch(name, "pc", reason):
            domain.taken, domain.robot_fallback, domain.asked = time.monotonic(), "", False

    def _switch(self, name: str, target: Mode, reason: str) -> bool:
        """Switch a domain, and believe the robot's answer about what it is now. False: it did not answer.

        It is tried again in every round; a robot that is off for an hour leaves a line at its beginning and at its end.
        """
        domain, asked = self._domains[name], time.monotonic()
        try:
            self._note_answer(self._api.switch(name, target, reason), asked)
        except RobotError as error:
            if not domain.failed_switches:
                log.error("%s could not be switched to %s, which is tried again: %s", name, target, error)
            domain.failed_switches += 1
            domain.refusal = f"the robot could not be switched to {target}: {error}"[:MAX_REASON]
            return False
        if domain.failed_switches:
            log.warning("%s was switched to %s after %d attempts in vain", name, target, domain.failed_switches)
        domain.failed_switches, domain.refusal = 0, ""
        return True


def _persons(preference: Preference) -> str:
    """The reason of a switch that a person wants."""
    return f"{USER_PREFIX}{preference.by}" + (f": {preference.why}" if preference.why else "")
