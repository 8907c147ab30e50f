"""The server's address: parsing, and the addresses that are forbidden.

Names are not resolved here; `network.py` checks their addresses when it connects.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from rider_core.errors import ConfigError

#: Ollama's own, for addresses without a scheme. With a scheme its port is the default, as in every Ollama client.
DEFAULT_PORT = 11434
_SCHEME_PORTS = {"http": 80, "https": 443}
DEFAULT_HOST = f"http://127.0.0.1:{DEFAULT_PORT}"
ENVIRONMENT_VARIABLE = "OLLAMA_HOST"

_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?$")
_PATH = re.compile(r"^[A-Za-z0-9._~/-]{0,200}$")
MAX_HOST_CHARACTERS = 500

#: Metadata services of clouds that are not link-local: Amazon's on IPv6, Alibaba's, and Azure's.
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Address:
    """A server.

    Attributes:
        url: `scheme://host:port`, perhaps with a path; without credentials, so it may be shown and logged.
        host: Name or address, IPv6 without brackets.
        credentials: User name and password for HTTP Basic; never shown.
    """

    url: str
    host: str
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https:")

    @property
    def is_this_machine(self) -> bool:
        """Whether the host is this machine, so that the remedy is to start the server here."""
        address = _as_ip(self.host)
        return self.host == "localhost" or (address is not None and address.is_loopback)


def address_of(setting: str | None) -> Address:
    """The address in a setting; without one that in `OLLAMA_HOST`, or else Ollama's port on this machine.

    Raises:
        ConfigError: it is no address, or a forbidden one.
    """
    return parse_address(setting or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_HOST)


def parse_address(text: str) -> Address:
    """`host`, `host:port`, `:port`, or a URL with http or https.

    Raises:
        ConfigError: it is no such address. The message never contains a password.
    """
    text = text.strip()
    if len(text) > MAX_HOST_CHARACTERS:
        raise _refused(f"has {len(text)} characters, more than {MAX_HOST_CHARACTERS}")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    scheme = scheme.lower()
    if scheme not in _SCHEME_PORTS:
        raise _refused(f"has the scheme {scheme[:20]!r}, not http or https")
    default_port = _SCHEME_PORTS[scheme] if separator else DEFAULT_PORT
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port or default_port
    except ValueError:  # its text may contain a password
        raise _refused("is not an address") from None
    if parts.query or parts.fragment:
        raise _refused("has a query or a fragment")
    host = _checked_host(parts.hostname or "127.0.0.1")
    path = parts.path.strip("/")
    if not _PATH.match(path) or ".." in path:
        raise _refused("has a path with odd characters")
    shown = f"[{host}]" if ":" in host else host
    return Address(
        url=f"{scheme}://{shown}:{port}" + (f"/{path}" if path else ""),
        host=host,
        credentials=(unquote(parts.username), unquote(parts.password or "")) if parts.username else None,
    )


def forbidden_reason(address: IpAddress) -> str | None:
    """Why an address is forbidden; None: it may be used.

    Protects against server-side request forgery: everyone with access to the panel can write the setting, which must
    not make a worker request the keys of a cloud's metadata service.
    """
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    if address.is_link_local:
        return "is link-local"
    if address.is_multicast:
        return "is multicast"
    return "is a cloud's metadata service" if address in _METADATA else None


def _checked_host(host: str) -> str:
    address = _as_ip(host)
    if address is None:
        if not _NAME.match(host):
            raise _refused("has a host name with odd characters")
        return host
    why = forbidden_reason(address)
    if why:
        raise _refused(f"{address} {why}")
    if address.is_unspecified:  # "listen on all addresses" in a server's setting is this machine for a client
        return "::1" if address.version == 6 else "127.0.0.1"
    return str(address)


def _as_ip(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refused(why: str) -> ConfigError:
    return ConfigError(
        f"the address of the Ollama server {why}",
        remedy=f"write it as {DEFAULT_HOST}, in the setting `host` or in {ENVIRONMENT_VARIABLE}",
    )
