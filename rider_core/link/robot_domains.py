"""The robot's domains as the robot reports them: polled over HTTP, announced on its bus, switched on request.

Which side should own a domain is decided in `domain_failover`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from rider_core.api.messages import parse_message
from rider_core.api.steering import HeartbeatView, Switch
from rider_core.errors import RobotError
from rider_core.link.domain import ROBOT_FALLBACK_REASONS, TASK_OF_DOMAIN, Domain, DomainOwner, switched_by
from rider_core.link.messages import DomainState
from rider_core.link.preferences import Preference, Preferences
from rider_core.link.robot_api import Mode, RobotApi
from rider_core.link.services import PublishEvent
from rider_core.metrics import DOMAIN_OWNER, FAILOVERS, HEARTBEAT, ROBOT

log = logging.getLogger(__name__)

#: Interval of the heartbeats, in seconds. The robot forgets our address when its HTTP interface restarts.
HEARTBEAT_EVERY_S = 5.0
#: The longest reason that is sent to the robot, in characters.
MAX_REASON = 200
#: The robot's AI mode while any domain is with the PC: its own detectors are paused, and its voice service streams to
#: the PC from its start on.
OFFLOADS = "pc_offload"


class RobotDomains:
    """The last reported state of each domain.

    `poll` and `switch` belong to the thread of `DomainFailover`, because they wait for the robot's HTTP interface.
    `receive_state` belongs to the bus's thread. The others may be called from any thread.

    Attributes:
        domains: By name.
        on_lost: Called when a domain that the PC served is lost, by the thread that learns it. Set before the start.
    """

    def __init__(
        self,
        api: RobotApi,
        base_url: str,
        preferences: Preferences,
        publish: PublishEvent,
        on_robot: Callable[[str], None],
    ) -> None:
        """
        Args:
            base_url: Our own HTTP address as the robot sees it.
            preferences: Keeps the history, and what people want for each domain.
            on_robot: Called with the problem of the robot's HTTP interface, empty: it answers, at each change.
        """
        self._api = api
        self._base_url = base_url
        self._preferences = preferences
        self._publish = publish
        self._on_robot = on_robot
        self.domains: dict[str, Domain] = {name: Domain() for name in TASK_OF_DOMAIN}
        self.on_lost: Callable[[Domain], None] = lambda _: None
        for name in self.domains:
            for owner in ("pc", "local"):
                DOMAIN_OWNER.labels(ROBOT, name, owner).set(0)
        self._ai_mode = ""
        self._next_heartbeat = 0.0
        self._heartbeat_ts: float | None = None
        self._robot_problem: str | None = None
        self._round_trip_s: float | None = None

    def owner(self, domain: str) -> DomainOwner:
        """Which side serves a domain now."""
        known = self.domains[domain]
        unattended = known.mode == "local" and self._ai_mode == OFFLOADS
        return DomainOwner(known.mode, known.since, unattended, known.is_lost)

    def is_failed_over(self, domain: str) -> bool:
        """Whether the link gave it to the robot because the PC could not serve it."""
        return self.domains[domain].is_failed_over

    def agrees(self, domain: str) -> bool:
        """Whether the robot's last report is what a person wants. Any mode agrees with "automatic"."""
        known, choice = self.domains[domain], self._preferences.of(domain).choice
        if choice == "automatic":
            return known.mode != ""
        return known.mode == choice and not known.robot_fallback

    def describe(self, domain: str) -> dict[str, Any]:
        """A domain as people see it: its owner and the reason, their preference, and the problem."""
        known, preference = self.domains[domain], self._preferences.of(domain)
        return {
            "domain": domain,
            "mode": known.mode,
            "status": known.status,
            "reason": known.reason,
            "choice": preference.choice,
            "by": preference.by,
            "why": preference.why,
            "problem": known.problem or known.switch_error,
            # The robot's voice and text programs are never paused; its detectors are.
            "unattended": domain == "vision" and self.owner(domain).unattended,
        }

    @property
    def heartbeat(self) -> HeartbeatView:
        """The last heartbeat that was sent to the robot."""
        problem = "not sent yet" if self._robot_problem is None else self._robot_problem
        return HeartbeatView(sent_ts=self._heartbeat_ts, answered=not problem, problem=problem)

    @property
    def round_trip_s(self) -> float | None:
        """Time of the robot's last answer over HTTP, in seconds; None: it does not answer."""
        return None if self._robot_problem else self._round_trip_s

    @property
    def switches(self) -> list[Switch]:
        """The history of switches, oldest first."""
        return self._preferences.switches

    def publish(self, name: str) -> None:
        """Publish a domain's state as an event."""
        self._publish("robot.domain", **self.describe(name))

    def receive_state(self, body: dict[str, Any]) -> None:
        """`provider.*.state`: the robot announces a domain.

        Raises:
            InvalidInput: the message is malformed.
        """
        state = parse_message(DomainState, body)
        if state.domain in self.domains:
            fell_back = state.mode == "local" and state.reason in ROBOT_FALLBACK_REASONS
            domain = self.domains[state.domain]
            domain.robot_fallback = state.reason or "" if fell_back else ""
            domain.announced_at = time.monotonic()
            self._update(state)

    def is_due(self) -> bool:
        """Whether it is time to poll the robot."""
        return time.monotonic() >= self._next_heartbeat

    def poll_soon(self) -> None:
        """Make the next poll due at once."""
        self._next_heartbeat = 0.0

    def poll(self, problems: dict[str, str]) -> None:
        """Read the domains and the AI mode, and send a heartbeat.

        Args:
            problems: Domain to why the PC cannot serve it.
        """
        self._next_heartbeat = time.monotonic() + HEARTBEAT_EVERY_S
        try:
            status = "degraded" if problems else "ok"
            reason = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
            # The state is read before anything is sent: another program at the robot's address fails here.
            requested_at = time.monotonic()
            for state in self._api.domains().values():
                self._update_from_answer(state, requested_at)
            self._round_trip_s = time.monotonic() - requested_at
            self._heartbeat_ts = time.time()
            self._api.send_heartbeat(self._base_url, status, reason[:MAX_REASON])
            HEARTBEAT.labels(ROBOT).set(time.time())
            self._ai_mode = self._api.ai_mode()
        except RobotError as error:
            self._set_robot_problem(str(error))
        else:
            self._set_robot_problem("")

    def switch(self, name: str, target: Mode, reason: str) -> bool:
        """Switch a domain, and keep the state in the robot's answer. False: the robot did not answer.

        The caller repeats a failed switch in each round, so only the first failure and the success after it are logged.
        """
        domain, requested_at = self.domains[name], time.monotonic()
        try:
            self._update_from_answer(self._api.switch(name, target, reason), requested_at)
        except RobotError as error:
            if not domain.failed_switches:
                log.error("%s could not be switched to %s, trying again: %s", name, target, error)
            domain.failed_switches += 1
            domain.switch_error = f"the robot could not be switched to {target}: {error}"[:MAX_REASON]
            return False
        if domain.failed_switches:
            log.warning("%s was switched to %s after %d failed attempts", name, target, domain.failed_switches)
        domain.failed_switches, domain.switch_error = 0, ""
        return True

    def _set_robot_problem(self, problem: str) -> None:
        if problem != self._robot_problem:
            self._robot_problem = problem
            self._on_robot(problem)

    def _update_from_answer(self, state: DomainState, requested_at: float) -> None:
        """Keep a state from an HTTP answer, unless the bus has announced another mode since the request.

        Which of the two is newer cannot be known, so the robot is polled again in the next round. An outdated answer
        would hide for 5 s that a domain is with the PC.
        """
        domain = self.domains[state.domain]
        if domain.announced_at > requested_at and domain.mode != state.mode:
            self.poll_soon()
        else:
            self._update(state)

    def _update(self, state: DomainState) -> None:
        """Keep a reported state, and publish what changed."""
        name, domain = state.domain, self.domains[state.domain]
        mode, status, reason = state.mode, state.status, state.reason or ""
        if (mode, status, reason) == (domain.mode, domain.status, domain.reason):
            return
        was = domain.mode
        if mode != was:
            # Before the mode: a thread that reads "pc" with the time of the mode before would ignore frames since then.
            domain.since, domain.switch_error = time.monotonic(), ""
        domain.mode, domain.status, domain.reason = mode, status, reason
        self._record(name, mode, reason)
        if mode != was:
            # The robot derives its AI mode the same way. It is polled as well, because a person may set another.
            self._ai_mode = OFFLOADS if any(it.mode == "pc" for it in self.domains.values()) else "local"
            if was == "pc" and domain.is_lost:
                if not domain.is_failed_over:
                    FAILOVERS.labels(name, "robot").inc()
                self.on_lost(domain)
        for owner in ("pc", "local"):
            DOMAIN_OWNER.labels(ROBOT, name, owner).set(mode == owner)
        log.info("%s is served by %s (%s) %s", name, mode, status, reason)
        self.publish(name)

    def _record(self, name: str, mode: Mode, reason: str) -> None:
        """Add a change to the history. A switch that a person made at the robot ends the preference that differs."""
        if mode == "pc" and self.domains[name].robot_fallback:
            return  # the robot's HTTP interface does not know of the fallback
        by = switched_by(reason)
        was = self._preferences.last_seen(name)
        self._preferences.note(name, mode, by, reason)
        choice = self._preferences.of(name).choice
        if by == "at the robot" and was not in (("", ""), (mode, reason)) and choice not in ("automatic", mode):
            log.info("%s was switched to %s at the robot (%s): the preference is automatic again", name, mode, reason)
            self._preferences.prefer(name, Preference())
