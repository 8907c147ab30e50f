"""Checks that the ports that `rider up` needs are free, before anything starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.link_process.process import own_address

LOOPBACK = "127.0.0.1"


class Port(NamedTuple):
    """Attributes: name of the listener, its address and port, and the variable that sets the port."""

    listener: str
    host: str
    port: int
    variable: str


def check_ports(settings: Settings) -> None:
    """Check the ports of the panel, the link and the simulated robot.

    Raises:
        ConfigError: another program has one of the ports, or two of them are the same.
    """
    known: dict[int, Port] = {}
    for wanted in _wanted(settings):
        if wanted.port == 0:  # any free one
            continue
        same = known.setdefault(wanted.port, wanted)
        if same is not wanted:
            raise ConfigError(
                f"{same.listener} and {wanted.listener} cannot both listen on port {wanted.port}",
                remedy=f"set {wanted.variable} or {same.variable} to another port",
            )
        _check(wanted)


def _wanted(settings: Settings) -> Iterator[Port]:
    if settings.web_enabled:
        yield Port("the panel", settings.web_host, settings.web_port, "RIDER_WEB_PORT")
    if settings.simulated:
        yield Port("the simulated robot", LOOPBACK, settings.pi_publish_port, "RIDER_PI_PUBLISH_PORT")
        yield Port("the simulated robot", LOOPBACK, settings.pi_subscribe_port, "RIDER_PI_SUBSCRIBE_PORT")
        yield Port("the simulated robot", LOOPBACK, settings.pi_api_port, "RIDER_PI_API_PORT")
    if not settings.has_robot:
        return
    # Without a reachable robot the address is unknown; the link finds it later.
    with suppress(ConfigError):
        yield Port("the link", own_address(settings), settings.link_port, "RIDER_LINK_PORT")


def _check(wanted: Port) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigError(
            f"{wanted.listener} cannot listen on {wanted.host}:{wanted.port}: {error.strerror or error}",
            remedy=f"is Rider-PC running already? If not, set {wanted.variable} to a free port",
        ) from None
