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


#: A name in Linux's abstract namespace for each port that was given away: nobody else gets it until this process ends,
#: though its server may not listen yet.
_claims: list[socket.socket] = []


@atexit.register
def _give_back() -> None:
    for claim in _claims:
        claim.close()


def free_port() -> int:
    """A TCP port on loopback that nothing listens on, and that no other call has given away, in any process of tests.

    It is outside the kernel's ephemeral range.
    """
    while True:
        port = _DICE.randrange(_LOWEST, _EPHEMERAL)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0rider-test-port-{port}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
