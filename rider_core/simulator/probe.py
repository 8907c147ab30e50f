"""The robot's question "are you there?", which alone decides whether its domains stay with the PC."""

from __future__ import annotations

import json
import logging
import threading

import httpx

from rider_core.simulator.config import DOMAINS
from rider_core.simulator.registry import ProviderRegistry
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

CAPABILITIES_PATH = "/providers/capabilities"
#: So many failures in a row end the trust.
FAILURES_TO_FALL_BACK = 3
#: The robot would read any amount.
MAX_ANSWER_BYTES = 1024 * 1024


class CapabilityProbe:
    """Asks in a thread of its own. A heartbeat in between does not reset the count of failures."""

    def __init__(self, registry: ProviderRegistry, interval_s: float, timeout_s: float) -> None:
        self._registry = registry
        self._interval_s, self._timeout_s = interval_s, timeout_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated-probe", daemon=True)
        self.asked = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        # A question on its way ends with its timeout at the latest: it has two, for the connection and the answer.
        self._thread.join(2 * self._timeout_s + 1)

    def _run(self) -> None:
        failures = 0
        # The PC's server speaks plain HTTP; to read the machine's certificates takes 60 ms of the processor.
        with httpx.Client(verify=False, timeout=self._timeout_s, follow_redirects=True, trust_env=False) as client:
            while not self._stop.wait(self._interval_s):
                problem = self._ask(client)
                failures = failures + 1 if problem else 0
                if problem and failures >= FAILURES_TO_FALL_BACK and not self._stop.is_set():
                    self._fall_back(problem)

    def _ask(self, client: httpx.Client) -> str | None:
        """None where the PC is well, else the reason that a fall-back would give."""
        self.asked += 1
        watch = Stopwatch.start()
        try:
            with client.stream("GET", self._registry.pc_url.rstrip("/") + CAPABILITIES_PATH) as answer:
                answer.raise_for_status()
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        break
        except httpx.HTTPError as error:
            return self._failed("offline", "pc_unreachable", error)
        except Exception as error:  # an address that is none fails in many ways, and every one counts
            return self._failed("error", "pc_error", error)
        self._registry.update_health(
            reachable=True, status="online", latency_ms=watch.elapsed_ms, reason=_version(body)
        )
        return None

    def _failed(self, status: str, problem: str, error: Exception) -> str:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        self._registry.update_health(reachable=False, status=status, latency_ms=None, reason=reason)
        log.warning("the PC does not answer: %s", reason)
        return problem

    def _fall_back(self, reason: str) -> None:
        for domain in DOMAINS:
            _, changed = self._registry.set_mode(domain, "local", reason)
            if changed:
                log.warning("%s falls back to local: %d probes failed", domain, FAILURES_TO_FALL_BACK)


def _version(body: bytes) -> str | None:
    """All that the robot reads of the answer."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer.get("version") if isinstance(answer, dict) else "ok"
