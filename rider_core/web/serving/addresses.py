"""Identifies clients by their addresses."""

from __future__ import annotations

import contextlib
import ipaddress


def client_at(host: str) -> str:
    """The client with this address. Of IPv6 it is the network of 64 bits, which one machine has for itself."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return str(address.ipv4_mapped)
            if not address.is_loopback:
                return str(ipaddress.ip_network((address, 64), strict=False))
    return host


def on_this_machine(client: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(client).is_loopback
    return False
