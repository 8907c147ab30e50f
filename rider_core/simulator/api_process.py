"""The robot's API process: the HTTP interface, its copy of the providers' state, and the probe. It can be killed."""

from __future__ import annotations

from collections.abc import Callable

from rider_core.errors import ConfigError
from rider_core.runtime.http_server import HttpServer
from rider_core.simulator.config import RobotConfig
from rider_core.simulator.http_api import ApiContext, create_app
from rider_core.simulator.probe import CapabilityProbe
from rider_core.simulator.registry import DomainRegistry

#: The robot's own server has few threads, too.
_THREADS = 4
_MAX_BODY_BYTES = 1024 * 1024


class ApiProcess:
    """Each start reads the state file. The PC's address and health are kept in memory only, and lost."""

    def __init__(
        self,
        config: RobotConfig,
        open_registry: Callable[[], DomainRegistry],
        make_context: Callable[[DomainRegistry], ApiContext],
    ) -> None:
        self._config, self._open_registry, self._make_context = config, open_registry, make_context
        self._server: HttpServer | None = None
        self._probe: CapabilityProbe | None = None
        self.port = config.api_port
        self.registry = open_registry()

    @property
    def probes(self) -> int:
        """Number of probes since the process started."""
        return self._probe.probes if self._probe else 0

    def start(self) -> None:
        if self._server is not None:
            return
        self.registry = self._open_registry()
        self._server = self._serve()
        self.port = self._server.port
        self._probe = CapabilityProbe(self.registry, self._config.probe_interval_s, self._config.probe_timeout_s)
        self._probe.start()

    def stop(self) -> None:
        if self._server is None or self._probe is None:
            return
        self._probe.stop()
        self._server.stop()
        self._server = self._probe = None

    def _serve(self) -> HttpServer:
        app, host = create_app(self._make_context(self.registry)), self._config.host
        try:
            server = HttpServer(
                app,
                host,
                self.port,
                "rider-pi-simulated",
                threads=_THREADS,
                max_request_body_size=_MAX_BODY_BYTES,
                clear_untrusted_proxy_headers=True,
            )
        except OSError as error:
            raise ConfigError(
                f"the simulated robot's HTTP interface cannot listen on {host}:{self.port}: {error.strerror}",
                remedy="end what listens there, or choose another port",
            ) from None
        server.start()
        return server
