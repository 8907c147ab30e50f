"""The robot's watchdog: it probes the PC's capabilities. Only that decides whether domains stay with the PC."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
import urllib.error
import urllib.request
from typing import Any

from rider_core.simulator.config import DOMAINS
from rider_core.simulator.registry import DomainRegistry
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

CAPABILITIES_PATH = "/providers/capabilities"
#: From this number of failures in a row on, each failure switches every domain to local.
FAILURES_TO_FALL_BACK = 3
#: A limit of the simulator's; the robot has none.
MAX_ANSWER_BYTES = 1024 * 1024


class CapabilityProbe:
    """Probes in a thread of its own, each time `interval_s` seconds after the last probe ended.

    The time limit applies to the connection and to each single receive, not to the whole: a PC that sends a byte a
    second blocks the thread for ever, and no domain falls back. `stop()` ends that, too.
    """

    def __init__(self, registry: DomainRegistry, interval_s: float, timeout_s: float) -> None:
        self._registry = registry
        self._interval_s, self._timeout_s = interval_s, timeout_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated-probe", daemon=True)
        self._socket: socket.socket | None = None
        self.probes = 0
        #: The failure that was logged last; empty: the PC answers. The same failure is logged once.
        self._logged = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("the probe's connection was closed already")
        # A connection attempt ends with its time limit.
        self._thread.join(self._timeout_s + 1)

    def _run(self) -> None:
        failures = 0
        opener = self._new_opener()
        while not self._stop.wait(self._interval_s):
            problem = self._probe_once(opener)
            if failures and not problem:
                log.info("the PC answers again, after %d failed probes", failures)
            failures = failures + 1 if problem else 0
            self._logged = self._logged if problem else ""
            if problem and failures >= FAILURES_TO_FALL_BACK and not self._stop.is_set():
                self._fall_back(problem, failures)

    def _new_opener(self) -> urllib.request.OpenerDirector:
        """The opener that the robot uses by `urllib.request.urlopen`, without proxies and HTTPS."""
        probe = self

        class _ProbeConnection(http.client.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                probe._socket = self.sock

        class _ProbeHandler(urllib.request.HTTPHandler):
            def http_open(self, request: urllib.request.Request) -> Any:
                return self.do_open(_ProbeConnection, request)

        opener = urllib.request.OpenerDirector()
        for handler in (
            _ProbeHandler,
            urllib.request.HTTPDefaultErrorHandler,
            urllib.request.HTTPErrorProcessor,
            urllib.request.HTTPRedirectHandler,
            urllib.request.UnknownHandler,
        ):
            opener.add_handler(handler())
        return opener

    def _probe_once(self, opener: urllib.request.OpenerDirector) -> str | None:
        """None: the PC answered; else the reason of a fall-back."""
        self.probes += 1
        watch = Stopwatch.start()
        url = self._registry.pc_url.rstrip("/") + CAPABILITIES_PATH
        try:
            with opener.open(url, timeout=self._timeout_s) as answer:
                version = _version(answer.read(MAX_ANSWER_BYTES))
        except (urllib.error.URLError, TimeoutError) as error:
            return self._failed("offline", "pc_unreachable", error)
        except Exception as error:  # a malformed address fails in many ways, and each counts
            return self._failed("error", "pc_error", error)
        finally:
            self._socket = None
        self._registry.update_health(reachable=True, status="online", latency_ms=watch.elapsed_ms, reason=version)
        return None

    def _failed(self, status: str, problem: str, error: Exception) -> str:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        self._registry.update_health(reachable=False, status=status, latency_ms=None, reason=reason)
        if reason != self._logged and not self._stop.is_set():
            self._logged = reason
            log.warning("the PC does not answer: %s", reason)
        return problem

    def _fall_back(self, reason: str, failures: int) -> None:
        for domain in DOMAINS:
            _, changed = self._registry.set_mode(domain, "local", reason)
            if changed:
                log.warning("%s falls back to local: %d probes failed", domain, failures)


def _version(body: bytes) -> str | None:
    """The version, which is all that the robot reads. An answer that is not UTF-8 is an error, as on the robot."""
    if not body:
        return None
    try:
        answer = json.loads(body.decode("utf-8"))
    except (json.JSONDecodeError, RecursionError):
        return None
    return answer.get("version") if isinstance(answer, dict) else "ok"
