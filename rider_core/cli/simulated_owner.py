"""The simulated robot's owner: switches each domain to the PC once the PC can serve it, as a real robot's owner does.

Each domain is switched once. A voice service that has ended later stays ended until it is started again, as on a real
robot.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import Any

import httpx

log = logging.getLogger(__name__)

#: Domain to the task that the PC must be able to run before the domain is switched.
NEEDED = {"vision": "vision.detect", "voice": "voice.transcribe"}
REASON = "the simulated robot's owner"
LOOK_EVERY_S, CALL_LIMIT_S = 0.5, 2.0


class SimulatedOwner(threading.Thread):
    """A thread that ends when all domains of `NEEDED` were switched, or when it is stopped."""

    def __init__(self, robot_url: str) -> None:
        super().__init__(name="owner", daemon=True)
        self._robot_url = robot_url
        self._ended = threading.Event()

    def stop(self) -> None:
        self._ended.set()

    def run(self) -> None:
        left = dict(NEEDED)
        with httpx.Client(timeout=CALL_LIMIT_S, trust_env=False, verify=False) as client:
            while left and not self._ended.wait(LOOK_EVERY_S):
                with suppress(httpx.HTTPError, ValueError):
                    for domain in self._served(client) & left.keys():
                        self._switch(client, domain)
                        del left[domain]

    def _served(self, client: httpx.Client) -> set[str]:
        """The domains that the PC can serve; none before the PC has announced its address to the robot."""
        state = client.get(f"{self._robot_url}/api/providers/state").json()
        if not state["pc_health"]["reachable"]:
            return set()
        served: dict[str, Any] = client.get(f"{state['pc_base_url']}/providers/capabilities").json().get("domains", {})
        return {domain for domain, task in NEEDED.items() if task in served.get(domain, {}).get("tasks", ())}

    def _switch(self, client: httpx.Client, domain: str) -> None:
        body = {"target": "pc", "reason": REASON}
        client.patch(f"{self._robot_url}/api/providers/{domain}", json=body).raise_for_status()
        log.info("the simulated robot's owner switches %s to the PC", domain)
        if domain == "voice":
            # A running voice service keeps its mode until it is restarted.
            client.post(f"{self._robot_url}/api/simulator/restart-voice").raise_for_status()
