"""Runs the link's process: the link, the HTTP server for the robot's probe, and the servers of people's requests.

They start and end together: without the link the robot's probe fails, and the robot falls back to local.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from urllib.parse import urlsplit

from rider_core.config import Settings, authority
from rider_core.errors import ConfigError
from rider_core.link import Link, LinkOptions
from rider_core.link.capacity_monitor import CapacityMonitor
from rider_core.link.event_publisher import EventPublisher
from rider_core.link.options import VisionOptions
from rider_core.link.services import LinkServices
from rider_core.link.suspend_detector import SuspendDetector
from rider_core.link_process.app import create_app
from rider_core.link_process.known_robots import KnownRobots
from rider_core.link_process.server import create_server
from rider_core.rpc import RedisServer, SocketServer
from rider_core.rpc.handling import RequestHandler
from rider_core.runtime.camera_view import CameraViewPublisher
from rider_core.runtime.process import StatusReporter
from rider_core.runtime.robot_client import LINK
from rider_core.runtime.robot_telemetry import TelemetryWriter
from rider_core.runtime.services import Services

log = logging.getLogger(__name__)

#: Exit status where a thread of the link hangs: "internal software error" of sysexits.h.
STUCK_STATUS = 70
#: After a suspend of the process its threads have this time to feed their watchdogs, in seconds.
SUSPEND_GRACE_S = 10.0
#: Interval at which our address is checked, in seconds. A restart at a new address takes some seconds more.
ADDRESS_EVERY_S = 3.0


class NotListening(ConfigError):
    """There is no address or no port at which the robot could reach us."""


def run_link(settings: Settings) -> None:
    """Run the link until SIGTERM or SIGINT. When our address changes, restart it at the new one.

    Raises:
        NotListening: at the start only; after a change of the address it is tried again.
    """
    stop = _stop_signal()
    has_served = False
    while not stop.is_set():
        try:
            _run_at_one_address(settings, stop)
        except NotListening as error:
            if not has_served:
                raise
            log.warning("the link cannot restart yet: %s", error)
            stop.wait(ADDRESS_EVERY_S)
        has_served = True


def _stop_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _run_at_one_address(settings: Settings, stop: threading.Event) -> None:
    address = own_address(settings)
    services = Services.open(settings, role="link")
    capacity = CapacityMonitor(services.backend)
    try:
        robots = KnownRobots(settings.robot_address, (*settings.link_allowed_addresses, address))
        server = create_server(create_app(services, capacity, robots), address, settings.link_port)
    except OSError as error:
        services.close()
        raise NotListening(
            f"the robot's requests cannot be answered at {address}:{settings.link_port}: {error.strerror}",
            remedy="end what listens there, or set RIDER_LINK_PORT to another port",
        ) from error
    events = EventPublisher(services.bus.publish)
    camera_view = CameraViewPublisher(services.redis)
    options = LinkOptions(
        publish_address=f"tcp://{authority(settings.robot_address, settings.pi_publish_port)}",
        subscribe_address=f"tcp://{authority(settings.robot_address, settings.pi_subscribe_port)}",
        robot_api_url=settings.robot_api_url,
        base_url=settings.link_url or f"http://{authority(address, server.port)}",
        simulated=settings.simulated,
        language=settings.language,
        prompt=settings.robot_prompt,
        barge_in=settings.barge_in,
        voice_keepalive=settings.voice_keepalive,
        chunk_s=settings.speech_piece_s,
        all_together=settings.when_blind == "local",
        preferences_file=settings.preferences_file,
        vision=VisionOptions(
            fov_deg=settings.camera_fov_deg,
            reach_m=settings.obstacle_distance_m,
            confirm_frames=settings.confirm_frames,
            follow=settings.follow,
        ),
    )
    link = Link(
        options,
        LinkServices(
            services.backend,
            events.publish,
            services.bus.follow,
            services.make_tracker,
            capacity.capacity,
            camera_view.show,
        ),
    )
    reporter = StatusReporter(services.bus, link.describe)
    telemetry = TelemetryWriter(services.redis, link.telemetry)
    steering = link.steering(stop.set)
    control_servers = _control_servers(settings, services, steering)
    capacity.start()
    server.start()
    events.start()
    camera_view.start()
    telemetry.start()
    link.start()
    reporter.start()
    for control_server in control_servers:
        control_server.start()
    services.plugins.notify("on_startup", services=services)
    log.info("linked to %s; the robot reaches us at %s", options.robot_api_url, options.base_url)
    address_monitor = AddressMonitor(settings, address)
    address_monitor.start()
    try:
        _wait(link, stop, address_monitor)
    finally:
        services.plugins.notify("on_shutdown", services=services)
        for control_server in control_servers:
            control_server.stop()
        # After a change of address the link is back in seconds; a failover of voice would end the robot's service.
        link.stop(fail_over=stop.is_set())
        reporter.stop()
        events.stop()
        telemetry.stop()
        camera_view.stop()
        server.stop()
        capacity.stop()
        services.close()


def _control_servers(
    settings: Settings, services: Services, steering: RequestHandler
) -> list[SocketServer | RedisServer]:
    """The servers of people's requests. Without the socket the robot is served all the same.

    Raises:
        ConfigError: another link uses this data folder; the two would undo each other's switches.
    """
    control_servers: list[SocketServer | RedisServer] = [RedisServer(services.redis, LINK, steering)]
    try:
        control_servers.append(SocketServer(settings.link_socket, steering))
    except OSError as error:
        log.error("`rider robot` reaches this link over Redis only, there is no %s: %s", settings.link_socket, error)
    return control_servers


def own_address(settings: Settings) -> str:
    """Our address in the robot's network. The HTTP server for the robot listens on this address alone.

    Raises:
        NotListening: no route leads to the robot, or its name cannot be resolved.
    """
    host = urlsplit(settings.link_url).hostname if settings.link_url else None
    if host is not None and _is_ours(host):
        return host
    try:
        # Connecting a datagram socket sends nothing; it makes the kernel choose the route.
        found = socket.getaddrinfo(settings.robot_address, settings.pi_api_port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = min(found, key=lambda it: it[0] != socket.AF_INET)
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise NotListening(
            f"the robot at {settings.robot_address} cannot be reached: {error}",
            remedy="correct RIDER_PI_HOST, or set RIDER_LINK_URL to our address as the robot sees it",
        ) from error


def _is_ours(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return True
    return False


class AddressMonitor(threading.Thread):
    """Checks whether our address has changed. In a thread, because resolving names may take long."""

    def __init__(self, settings: Settings, address: str) -> None:
        super().__init__(name="address", daemon=True)
        self._settings, self._address = settings, address
        self.new_address = ""

    def run(self) -> None:
        while not self.new_address:
            time.sleep(ADDRESS_EVERY_S)
            with contextlib.suppress(ConfigError):  # no network now: the old address may come back
                now = own_address(self._settings)
                self.new_address = now if now != self._address else ""


def _wait(link: Link, stop: threading.Event, address_monitor: AddressMonitor) -> None:
    """Wait until it is time to stop, or to serve at another address."""
    suspend, grace_until = SuspendDetector(), 0.0
    while not stop.wait(1.0):
        if suspend.suspended_s():
            # The other threads did not run either, and this one may be the first that does.
            grace_until = time.monotonic() + SUSPEND_GRACE_S
        suspend.begin()
        if address_monitor.new_address:
            log.warning("our address is %s now: the link restarts there", address_monitor.new_address)
            return
        if time.monotonic() >= grace_until and (problem := link.stuck()):
            log.critical("%s: the link ends, so that its supervisor restarts it", problem)
            # An orderly end would wait for the thread that hangs.
            os._exit(STUCK_STATUS)
