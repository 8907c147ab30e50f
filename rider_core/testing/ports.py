"""Ports for servers that must be told theirs before they start. One that can say which port it took is told 0."""

from __future__ import annotations

import atexit
import random
import socket
from pathlib import Path

#: Below this are ports that programs expect to find others at.
_LOWEST = 20_000
#: From here on the kernel gives ports to connections and to servers on port 0, at any time. Linux's own value where a
#: machine leaves no room below its own.
_EPHEMERAL = max(32_768, int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]))
#: Not the generator that tests seed: processes beside each other would draw the same ports.
_DICE = random.SystemRandom()


#: One bound socket in Linux's abstract namespace for each allocated port. It reserves the port against other test
#: processes until this process ends, also while the server of the port does not listen yet.
_reservations: list[socket.socket] = []


@atexit.register
def _release() -> None:
    for reservation in _reservations:
        reservation.close()


def free_port() -> int:
    """A TCP port on loopback without a listener, outside the kernel's ephemeral range. Each call reserves another port,
    across all test processes of the machine.
    """
    while True:
        port = _DICE.randrange(_LOWEST, _EPHEMERAL)
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0rider-test-port-{port}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        _reservations.append(reservation)
        return port
