"""One domain of the robot (voice, vision, text): who serves it, why, and whether the link may take it."""

from __future__ import annotations

from dataclasses import dataclass

from rider_core.link.preferences import Preference

#: Which task a domain of the robot needs.
TASK_OF_DOMAIN = {"voice": "voice.transcribe", "vision": "vision.detect", "text": "text.generate"}
#: Before a domain that we handed back is taken again, it could have been served for these seconds without a break. That
#: is the first wait; later ones are longer.
HEALTHY_FOR_S = 10.0
#: What we hand back has a reason that begins so: after a start of ours it says that the domain was ours.
FAILOVER_PREFIX = "rider-pc: "
#: What a person switched here has a reason that begins so.
USER_PREFIX = "set at rider-pc by "
#: The reasons of the robot's own code, when it gives a PC up. A person's switch has another ("manual", a name):
#: what people set stays.
ROBOT_FALLBACK_REASONS = frozenset({"pc_unreachable", "pc_timeout", "pc_error"})
#: The robot's reasons for what is there without anybody's doing.
DEFAULT_REASONS = frozenset({"", "boot", "default"})


@dataclass
class Domain:
    """What is known of one domain of the robot."""

    mode: str = ""
    status: str = ""
    reason: str = ""
    since: float = 0.0
    taken: float = float("-inf")
    wait_s: float = HEALTHY_FOR_S
    healthy_since: float | None = None
    failed_switches: int = 0
    #: Why the last switch failed; empty: it did not.
    refusal: str = ""
    #: Said on the bus by the process that gave us up. The robot's HTTP interface has its own copy, and may never know.
    robot_fallback: str = ""
    #: Why we cannot serve it now; empty: we can.
    problem: str = ""
    #: A person has just chosen the PC: it is taken without a wait.
    asked: bool = False
    #: When the robot last said on its bus who serves it; our monotonic clock.
    told: float = float("-inf")

    @property
    def is_failed_over(self) -> bool:
        """We could not serve it, now or before our last start."""
        return self.mode == "local" and self.reason.startswith(FAILOVER_PREFIX)

    @property
    def is_lost(self) -> bool:
        """The link or the robot's own code gave it up; no person switched it."""
        by_robot = self.mode == "local" and self.reason in ROBOT_FALLBACK_REASONS
        return by_robot or bool(self.robot_fallback) or self.is_failed_over

    def may_be_taken(self, preference: Preference) -> bool:
        """Whether the robot serves it although the PC should, as far as people's wishes go."""
        if preference.choice == "local":
            return False
        if preference.choice == "pc":
            return self.mode == "local" or bool(self.robot_fallback)
        released = bool(preference.by) and self.mode == "local" and self.reason.startswith(USER_PREFIX)
        return self.is_lost or released


def switched_by(reason: str) -> str:
    """Who gave a domain this reason, as the history shows it."""
    if reason.startswith(FAILOVER_PREFIX):
        return "rider-pc"
    if reason.startswith(USER_PREFIX):
        return reason.removeprefix(USER_PREFIX).partition(":")[0]
    return "robot" if reason in ROBOT_FALLBACK_REASONS | DEFAULT_REASONS else "at the robot"
