"""One domain of the robot (voice, vision, text): its owner, the reason, and whether the link may take it over."""

from __future__ import annotations

from dataclasses import dataclass

from rider_core.link.preferences import Preference

#: The task that each domain needs.
TASK_OF_DOMAIN = {"voice": "voice.transcribe", "vision": "vision.detect", "text": "text.generate"}
#: Seconds without a problem before the link takes a domain over again that it failed over. The first wait; later ones
#: are longer.
HEALTHY_FOR_S = 10.0
#: Prefix of the reasons of the link's own switches. By it the link knows after a restart which domains it failed over.
FAILOVER_PREFIX = "rider-pc: "
#: Prefix of the reasons of switches that a person made through Rider-PC.
USER_PREFIX = "set at rider-pc by "
#: Reasons of the robot's own code when it falls back to local. A person's switch has another reason ("manual", a name)
#: and stays.
ROBOT_FALLBACK_REASONS = frozenset({"pc_unreachable", "pc_timeout", "pc_error"})
#: The robot's reasons for its initial state.
DEFAULT_REASONS = frozenset({"", "boot", "default"})


@dataclass(frozen=True)
class DomainOwner:
    """Which side serves a domain.

    Attributes:
        mode: `pc` or `local`; empty: no report from the robot yet.
        since: When the link learned it (monotonic).
        unattended: Neither side serves it: its mode is local, and the robot's own programs are paused because another
            domain is with the PC.
        is_lost: The PC served it before, and no person took it away.
    """

    mode: str
    since: float
    unattended: bool = False
    is_lost: bool = False


@dataclass
class Domain:
    """What the link knows of one domain.

    Attributes:
        mode, status, reason: As the robot reported them last.
        since: When the mode changed last (monotonic).
        announced_at: When the robot last announced the domain on its bus (monotonic).
        robot_fallback: The reason with which a process of the robot fell back to local, as it announced on the bus;
            empty: it did not. The robot's HTTP interface has its own copy of the state and may never learn of it.
        problem: Why the PC cannot serve it now; empty: it can.
        healthy_since: Since when it has had no problem (monotonic); None: it has one.
        taken_over_at: When the link took it over last (monotonic).
        takeover_wait_s: How long it must be healthy before the next takeover, in seconds.
        requested: A person has just chosen the PC: the takeover does not wait.
        failed_switches: Failed attempts in a row to switch it.
        switch_error: Why the last switch failed; empty: it did not.
    """

    mode: str = ""
    status: str = ""
    reason: str = ""
    since: float = 0.0
    announced_at: float = float("-inf")
    robot_fallback: str = ""
    problem: str = ""
    healthy_since: float | None = None
    taken_over_at: float = float("-inf")
    takeover_wait_s: float = HEALTHY_FOR_S
    requested: bool = False
    failed_switches: int = 0
    switch_error: str = ""

    @property
    def is_failed_over(self) -> bool:
        """The link gave it to the robot because the PC could not serve it, now or before the link's last start."""
        return self.mode == "local" and self.reason.startswith(FAILOVER_PREFIX)

    @property
    def is_lost(self) -> bool:
        """It went to local by the link or by the robot's own code, not by a person."""
        by_robot = self.mode == "local" and self.reason in ROBOT_FALLBACK_REASONS
        return by_robot or bool(self.robot_fallback) or self.is_failed_over

    def may_take_over(self, preference: Preference) -> bool:
        """Whether the robot serves it and a person's preference allows the PC to take it over."""
        if preference.choice == "local":
            return False
        if preference.choice == "pc":
            return self.mode == "local" or bool(self.robot_fallback)
        released = bool(preference.by) and self.mode == "local" and self.reason.startswith(USER_PREFIX)
        return self.is_lost or released


def switched_by(reason: str) -> str:
    """The author of a switch with this reason, as the history shows it."""
    if reason.startswith(FAILOVER_PREFIX):
        return "rider-pc"
    if reason.startswith(USER_PREFIX):
        return reason.removeprefix(USER_PREFIX).partition(":")[0]
    return "robot" if reason in ROBOT_FALLBACK_REASONS | DEFAULT_REASONS else "at the robot"
