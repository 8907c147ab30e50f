"""The owners of the domains as the robot keeps them: a file that its processes share, and each process's own copy.

A copy is read when its process starts and written as a whole on each change. So the voice service and the HTTP
interface can disagree permanently, as on the robot.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from rider_core.simulator.config import DOMAINS

State = dict[str, Any]
Announce = Callable[[str, State], None]
Clock = Callable[[], float]


class StateFile:
    """The domains' states and the AI mode, which survive a restart of the robot's processes.

    Args:
        ai_mode_race: See `RobotConfig`.
    """

    def __init__(self, pc_domains: tuple[str, ...], clock: Clock, ai_mode_race: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._race = ai_mode_race
        self._torn = False
        now = clock()
        self._domains: dict[str, State] = {
            domain: {
                "mode": "pc" if domain in pc_domains else "local",
                "status": "pc_pending" if domain in pc_domains else "local_only",
                "changed_ts": now,
                "reason": "boot",
            }
            for domain in DOMAINS
        }
        self._ai_mode: State = {"mode": "pc_offload" if pc_domains else "local", "changed_ts": now}

    def read(self) -> dict[str, State]:
        with self._lock:
            return deepcopy(self._domains)

    def write(self, domains: dict[str, State]) -> None:
        """Store the domains. The AI mode is derived from them, which overrides a mode that a request has set."""
        with self._lock:
            self._domains = deepcopy(domains)
        self.set_ai_mode("pc_offload" if any(state["mode"] == "pc" for state in domains.values()) else "local")

    def mode(self, domain: str) -> str:
        with self._lock:
            return str(self._domains[domain]["mode"])

    def ai_mode(self) -> State:
        with self._lock:
            return dict(self._ai_mode)

    def set_ai_mode(self, mode: str) -> State:
        """Set the AI mode; returns what the robot's code returns. Its documents promise an event; none is sent."""
        with self._lock:
            self._ai_mode = {"mode": mode, "changed_ts": self._clock()}
            # The robot truncates this file before it writes it: a reader in between finds no mode.
            self._torn = random.random() < self._race
            return {"ok": True, **self._ai_mode}

    def offloads(self) -> bool:
        """Whether the AI mode is `pc_offload`; an empty file is `local`. The voice process calls it for each chunk."""
        with self._lock:
            torn, self._torn = self._torn, False
            return self._ai_mode["mode"] == "pc_offload" and not torn


class DomainRegistry:
    """One process's copy of the domains and of the PC's state.

    Args:
        file: The shared file.
        announce: Publishes `provider.<domain>.state`.
        clock: The robot's clock, in seconds since the epoch.
        default_pc_url: The PC's address until the first heartbeat.
    """

    def __init__(self, file: StateFile, announce: Announce, clock: Clock, default_pc_url: str) -> None:
        self._file, self._announce, self._clock = file, announce, clock
        self._lock = threading.RLock()
        self._domains = file.read()
        self._pc_url = default_pc_url
        self._health: State = {
            "reachable": False,
            "status": "unknown",
            "latency_ms": None,
            "updated_ts": 0.0,
            "reason": "not_initialized",
        }

    @property
    def pc_url(self) -> str:
        with self._lock:
            return self._pc_url

    def set_pc_url(self, url: str) -> str:
        """Set the PC's address. Returns the stored form: with a scheme, without a slash at the end."""
        target = url if url.startswith(("http://", "https://")) else f"http://{url}"
        with self._lock:
            if target != self._pc_url:
                self._pc_url = target.rstrip("/")
            return self._pc_url

    def snapshot(self) -> State:
        with self._lock:
            return {
                "domains": deepcopy(self._domains),
                "pc_base_url": self._pc_url,
                "pc_health": dict(self._health),
            }

    def health(self) -> State:
        with self._lock:
            return dict(self._health)

    def update_health(self, **values: Any) -> None:
        """Store `values`. An empty reason leaves the one before, as on the robot."""
        with self._lock:
            reason = values.pop("reason", None) or self._health["reason"]
            self._health.update(values, reason=reason, updated_ts=self._clock())

    def domain(self, domain: str) -> State:
        with self._lock:
            return dict(self._domains[domain])

    def set_mode(self, domain: str, target: str, reason: str) -> tuple[State, bool]:
        """Set a domain's mode. Returns its state, and whether it changed; only a change is written and announced."""
        with self._lock:
            if self._domains[domain]["mode"] == target:
                return dict(self._domains[domain]), False
            # The robot's code has a status for "the PC has confirmed", but never sets it.
            status = "pc_pending" if target == "pc" else "local_only"
            return self._change(domain, mode=target, status=status, reason=reason), True

    def set_status(self, domain: str, status: str, reason: str) -> None:
        with self._lock:
            self._change(domain, status=status, reason=reason)

    def _change(self, domain: str, **values: Any) -> State:
        self._domains[domain] = {**self._domains[domain], **values, "changed_ts": self._clock()}
        state = dict(self._domains[domain])
        self._file.write(self._domains)
        self._announce(domain, state)
        return state
