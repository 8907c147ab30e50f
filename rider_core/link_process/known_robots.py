"""Which addresses may ask as a robot: the configured robot's, this machine's, and those of a setting."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: The robot's name is looked up again for an unknown address, at most this often, in seconds.
LOOK_UP_EVERY_S = 10.0
#: Maximum wait of a request for that, in seconds. The answer may come later, for the next request.
LOOK_UP_LIMIT_S = 2.0
#: Maximum number of refused addresses that are logged, each once: a port scan may come from many.
MAX_LOGGED = 20


def addresses_of(host: str) -> frozenset[Address]:
    """What a name or an address stands for; none where it cannot be looked up. It may take the resolver's time."""
    with suppress(OSError):
        return frozenset(_address(str(found[4][0])) for found in socket.getaddrinfo(host, None))
    return frozenset()


class KnownRobots:
    """May be asked from several threads."""

    def __init__(
        self, host: str, allowed: Iterable[str], look_up: Callable[[str], frozenset[Address]] = addresses_of
    ) -> None:
        """
        Args:
            host: Name or address of the robot.
            allowed: Addresses and networks besides.
            look_up: As `addresses_of`.
        """
        self._host = host
        self._allowed = [ipaddress.ip_network(it, strict=False) for it in allowed]
        self._look_up = look_up
        self._robot = look_up(host)
        self._lock = threading.Lock()
        self._looked_up = Stopwatch.start()
        self._logged: set[str] = set()

    def include(self, client: str) -> bool:
        """Whether a request may come from this address."""
        address = _address(client)
        if self._is_known(address):
            return True
        self._look_up_again()
        if self._is_known(address):
            return True
        self._log(client)
        return False

    def _is_known(self, address: Address) -> bool:
        if address.is_loopback or address in self._robot:
            return True
        return any(address in network for network in self._allowed)

    def _look_up_again(self) -> None:
        """The robot may have another address than at our start; a resolver that hangs holds no request for long."""
        with self._lock:
            if self._looked_up.elapsed_s < LOOK_UP_EVERY_S:
                return
            self._looked_up = Stopwatch.start()
        thread = threading.Thread(target=self._refresh, name="robot-name", daemon=True)
        thread.start()
        thread.join(LOOK_UP_LIMIT_S)

    def _refresh(self) -> None:
        found = self._look_up(self._host)
        if found:
            self._robot = found

    def _log(self, client: str) -> None:
        with self._lock:
            if client in self._logged or len(self._logged) >= MAX_LOGGED:
                return
            self._logged.add(client)
        log.warning(
            "%s asks as a robot would, and is not %s: it is refused. If it is the robot, too: "
            "RIDER_LINK_ALLOWED_ADDRESSES=%s",
            client,
            self._host,
            client,
        )


def _address(text: str) -> Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
