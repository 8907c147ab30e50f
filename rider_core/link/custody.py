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
from rider_core.errors import BackendUnavailable, RobotError
from rider_core.link.messages import DomainState
from rider_core.link.options import House
from rider_core.link.pulse import Pulse
from rider_core.link.robot_api import Mode, RobotApi

log = logging.getLogger(__name__)

#: The robot forgets our address when its interface restarts, so it is told again this often.
HEARTBEAT_EVERY_S = 5.0
#: Workers are looked at more often than that: the robot waits for as long as we do not notice.
CHECK_EVERY_S = 1.0
#: After the link's start workers may still be loading their models.
START_GRACE_S = 20.0
#: A domain that we handed back is taken again when it could have been served for so long without a break,
#: the first time.
HEALTHY_FOR_S = 10.0
#: A broker that was started again is back by then; after that, what goes over the bus is the robot's own again.
BUS_GRACE_S = 0.5
OVER_THE_BUS = ("voice", "vision")
#: A reason is for people, in characters.
MAX_REASON = 200
#: What we hand back has a reason that begins so: after a start of ours it says that the domain was ours.
OURS = "rider-pc: "
#: The reasons of the robot's own code, when it gives a PC up. A person's switch has another ("manual", "boot", a name):
#: what people set stays.
GAVE_UP = frozenset({"pc_unreachable", "pc_timeout", "pc_error"})

#: Who has to hand a domain back again this soon after it was taken waits twice as long before it is taken the next
#: time, and so on up to the longest wait: what ails it shows only while we serve it, as a frozen camera does.
SOON_AGAIN_S = 60.0
LONGEST_WAIT_S = 300.0

#: Which task a domain of the robot needs.
TASK_OF_DOMAIN = {"voice": "voice.transcribe", "vision": "vision.detect", "text": "text.generate"}


@dataclass(frozen=True)
class Standing:
    """Who serves a domain, and since when we know it (monotonic). An empty mode: the robot was not heard yet."""

    mode: str
    since: float


@dataclass
class _Domain:
    """What is known of one domain of the robot."""

    mode: str = ""
    status: str = ""
    reason: str = ""
    since: float = 0.0
    taken: float = float("-inf")
    wait_s: float = HEALTHY_FOR_S
    healthy_since: float | None = None
    failed_switches: int = 0
    #: Said on the bus by the process that gave us up. The robot's HTTP interface has its own copy, and may never know.
    given_up: str = ""

    @property
    def is_handed_back(self) -> bool:
        """We could not serve it, now or before our last start."""
        return self.mode == "local" and self.reason.startswith(OURS)

    @property
    def is_lost(self) -> bool:
        """The link or the robot's own code gave it up; no person switched it."""
        return bool(self.given_up) or self.is_handed_back or (self.mode == "local" and self.reason in GAVE_UP)


class Custody:
    """Runs in a thread of its own; `give_back` and `take_state` may be called from others."""

    def __init__(self, house: House, api: RobotApi, base_url: str, on_robot: Callable[[str], None]) -> None:
        """
        Args:
            on_robot: Told what is wrong with the robot's HTTP interface, or "" when it answers, at each change.
        """
        self._house = house
        self._api = api
        self._base_url = base_url
        self._on_robot = on_robot
        self._domains: dict[str, _Domain] = {name: _Domain() for name in TASK_OF_DOMAIN}
        self._wanted_back: dict[str, str] = {}
        self._bus_problem, self._bus_since = "", 0.0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._started = time.monotonic()
        self._next_heartbeat = 0.0
        self._robot_problem: str | None = None
        self.pulse = Pulse("custody")
        self._thread = threading.Thread(target=self._run, name="custody", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, hand_back: bool = True) -> None:
        """Hand everything back, then end: a PC that goes must not leave the robot waiting."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=5)
        for name, domain in self._domains.items():
            if hand_back and domain.mode == "pc":
                self._hand_back(name, "the PC's link ends")

    def give_back(self, domain: str, reason: str) -> None:
        """Ask for a domain to be handed back now."""
        with self._lock:
            self._wanted_back[domain] = reason
        self._wake.set()

    def bus_is(self, problem: str) -> None:
        """Why the robot's bus is down; empty: it is up. May be called from any thread."""
        if bool(problem) != bool(self._bus_problem):
            self._bus_since = time.monotonic()
        self._bus_problem = problem

    def standing(self, domain: str) -> Standing:
        """Who serves a domain now. May be called from any thread."""
        known = self._domains[domain]
        return Standing(known.mode, known.since)

    def is_handed_back(self, domain: str) -> bool:
        """Whether we gave it to the robot because we could not serve it. May be called from any thread."""
        return self._domains[domain].is_handed_back

    def take_state(self, body: dict[str, Any]) -> None:
        """`provider.*.state`: the robot says who serves a domain.

        Raises:
            InvalidInput: it is not such a message.
        """
        state = parse_message(DomainState, body)
        if state.domain in self._domains:
            gave_up = state.mode == "local" and state.reason in GAVE_UP
            self._domains[state.domain].given_up = state.reason or "" if gave_up else ""
            self._note(state)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.pulse.beat()
            try:
                self._round()
            except Exception:  # the top of a thread
                log.exception("the domains could not be looked after")
            self._wake.wait(CHECK_EVERY_S)
            self._wake.clear()

    def _round(self) -> None:
        problems = self._problems()
        if time.monotonic() >= self._next_heartbeat:
            self._next_heartbeat = time.monotonic() + HEARTBEAT_EVERY_S
            self._talk_to_robot(problems)
        with self._lock:
            wanted, self._wanted_back = self._wanted_back, {}
        for name, domain in self._domains.items():
            reason = wanted.get(name) or problems.get(name)
            if reason:
                domain.healthy_since = None
                if domain.mode == "pc":
                    self._hand_back(name, reason)
            elif domain.healthy_since is None:
                domain.healthy_since = time.monotonic()
            elif domain.is_lost and time.monotonic() - domain.healthy_since > domain.wait_s:
                self._take_again(name, domain)

    def _problems(self) -> dict[str, str]:
        """Domain to why we cannot serve it now."""
        if time.monotonic() - self._started < START_GRACE_S:
            return {}
        problems = {}
        if self._bus_problem and time.monotonic() - self._bus_since > BUS_GRACE_S:
            problems = dict.fromkeys(OVER_THE_BUS, self._bus_problem)
        try:
            capacity = self._house.backend.capacity()
        except BackendUnavailable as error:
            return dict.fromkeys(TASK_OF_DOMAIN, str(error))
        idle = {name: f"no worker can do {task}" for name, task in TASK_OF_DOMAIN.items() if not capacity.get(task)}
        return problems | idle

    def _talk_to_robot(self, problems: dict[str, str]) -> None:
        try:
            status = "degraded" if problems else "ok"
            reason = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
            self._api.send_heartbeat(self._base_url, status, reason[:MAX_REASON])
            for state in self._api.domains().values():
                self._note(state)
        except RobotError as error:
            self._robot_is(str(error))
        else:
            self._robot_is("")

    def _robot_is(self, problem: str) -> None:
        if problem != self._robot_problem:
            self._robot_problem = problem
            self._on_robot(problem)

    def _note(self, state: DomainState) -> None:
        """Keep what the robot says of a domain, and pass on what is new in it."""
        name, domain = state.domain, self._domains[state.domain]
        mode, status, reason = state.mode, state.status, state.reason or ""
        if (mode, status, reason) == (domain.mode, domain.status, domain.reason):
            return
        was, domain.mode, domain.status, domain.reason = domain.mode, mode, status, reason
        if mode != was:
            domain.since = time.monotonic()
            if was == "pc" and domain.is_lost:
                again = time.monotonic() - domain.taken < SOON_AGAIN_S
                domain.wait_s = min(2 * domain.wait_s, LONGEST_WAIT_S) if again else HEALTHY_FOR_S
                domain.healthy_since = None
        log.info("%s is served by %s (%s) %s", name, mode, status, reason)
        self._house.tell("robot.domain", domain=name, mode=mode, status=status, reason=reason)

    def _hand_back(self, name: str, reason: str) -> None:
        if not self._domains[name].failed_switches:
            log.warning("%s is handed back to the robot: %s", name, reason)
        self._switch(name, "local", reason)

    def _take_again(self, name: str, domain: _Domain) -> None:
        if not domain.failed_switches:
            log.info("%s can be served again and is taken back; the robot had it because: %s", name, domain.reason)
        if domain.mode == "pc":
            # What gave us up is one process, and the interface that we ask believes that we still have it: to be given
            # what we have changes nothing there.
            self._switch(name, "local", f"{domain.given_up}, to be taken anew")
        if self._switch(name, "pc", "the PC can serve it again"):
            domain.taken, domain.given_up = time.monotonic(), ""

    def _switch(self, name: str, target: Mode, reason: str) -> bool:
        """Switch a domain, and believe the robot's answer about what it is now. False: it did not answer.

        It is tried again in every round; a robot that is off for an hour leaves a line at its beginning and at its end.
        """
        domain = self._domains[name]
        try:
            self._note(self._api.switch(name, target, OURS + reason))
        except RobotError as error:
            if not domain.failed_switches:
                log.error("%s could not be switched to %s, which is tried again: %s", name, target, error)
            domain.failed_switches += 1
            return False
        if domain.failed_switches:
            log.warning("%s was switched to %s after %d attempts in vain", name, target, domain.failed_switches)
        domain.failed_switches = 0
        return True
