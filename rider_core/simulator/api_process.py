"""The robot's API process: the HTTP interface, its copy of the providers' state, and the probe. It can be killed."""

from __future__ import annotations

from collections.abc import Callable

from rider_core.simulator.config import RobotConfig
from rider_core.simulator.http_api import Robot, create_app
from rider_core.simulator.http_server import HttpServer
from rider_core.simulator.probe import CapabilityProbe
from rider_core.simulator.registry import ProviderRegistry


class ApiProcess:
    """Each start begins with what is in the state file; the PC's address and health are in memory only, and lost."""

    def __init__(
        self,
        config: RobotConfig,
        open_registry: Callable[[], ProviderRegistry],
        make_robot: Callable[[ProviderRegistry], Robot],
    ) -> None:
        self._config, self._open_registry, self._make_robot = config, open_registry, make_robot
        self._server: HttpServer | None = None
        self._probe: CapabilityProbe | None = None
        self.port = config.api_port
        self.registry = open_registry()

    @property
    def running(self) -> bool:
        return self._server is not None

    @property
    def probes(self) -> int:
        """How often this start of the process has asked for our capabilities."""
        return self._probe.asked if self._probe else 0

    def start(self) -> None:
        if self._server is not None:
            return
        self.registry = self._open_registry()
        self._server = HttpServer(create_app(self._make_robot(self.registry)), self._config.host, self.port)
        self.port = self._server.port
        self._probe = CapabilityProbe(self.registry, self._config.probe_interval_s, self._config.probe_timeout_s)
        self._probe.start()

    def stop(self) -> None:
        if self._server is None or self._probe is None:
            return
        self._probe.stop()
        self._server.stop()
        self._server = self._probe = None
