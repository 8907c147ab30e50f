"""The host names of the panel, its public address behind a proxy, and the proxies whose headers are trusted."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.printable import without_passwords

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
#: Maximum length of a `Host` header that is parsed, in characters. DNS allows 253, and the port adds 6.
MAX_HOST = 300

#: Ports that browsers omit from `Host` and `Origin`.
_DEFAULT_PORTS = {"http": 80, "https": 443}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class PublicUrl(NamedTuple):
    """How people reach the panel through a proxy.

    Attributes:
        origin: Scheme, name and port, as browsers send it in `Origin`; empty where there is no proxy.
        host: The name in `origin`.
        path: Prefix of the panel's own paths, without a slash at its end; mostly empty.
    """

    origin: str
    host: str
    path: str

    @classmethod
    def of(cls, settings: Settings) -> PublicUrl:
        """From `web_public_url`. Raises `ConfigError` if that is not the address of a page."""
        if not settings.web_public_url:
            return cls("", "", "")
        try:
            parts = urlsplit(settings.web_public_url)
            if parts.scheme not in _DEFAULT_PORTS or parts.query or parts.fragment:
                raise ValueError("not an http(s) address, or with a query or fragment")
            origin = origin_of(settings.web_public_url)
            return cls(origin, name_in(origin.partition("//")[2]), parts.path.rstrip("/"))
        except ValueError:
            raise ConfigError(
                f"web_public_url is {without_passwords(settings.web_public_url)!r}, which is not the address of a page",
                remedy="set RIDER_WEB_PUBLIC_URL to one such as https://home.example/rider",
            ) from None


class HostNames:
    """The host names that a request may address the panel by."""

    def __init__(self, settings: Settings, public: PublicUrl) -> None:
        """Raises `ConfigError` if an entry of `web_allowed_hosts` is not a name."""
        host = settings.web_host.lower().strip("[]")
        address = as_address(host)
        self._any_address = host == "" or (address is not None and address.is_unspecified)
        allowed = [_allowed(name) for name in settings.web_allowed_hosts]
        self._names = LOOPBACK_NAMES | {host, public.host} | {name for name in allowed if not name.startswith("*.")}
        self._suffixes = tuple(name[1:] for name in allowed if name.startswith("*."))
        if self._any_address:
            own = socket.gethostname().lower()
            self._names |= {own, f"{own}.local"}

    def allow(self, host: str) -> bool:
        """Whether the panel has this name. Any other name that resolves to the panel is DNS rebinding.

        Args:
            host: The `Host` header, with its port.
        """
        if not host or len(host) > MAX_HOST:
            return False
        name = name_in(host)
        if not name:
            return False
        if name in self._names or (self._suffixes and name.endswith(self._suffixes)):
            return True
        # DNS rebinding needs a name. A request by address was meant for this address.
        return self._any_address and as_address(name) is not None


class TrustedProxies:
    """Addresses of proxies whose X-Forwarded headers are trusted."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Raises `ConfigError` if one is neither an address nor a network."""
        self._networks: list[Network] = []
        for text in networks:
            try:
                self._networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                raise ConfigError(
                    f"web_trusted_proxies has {text!r}, which is neither an address nor a network",
                    remedy="set RIDER_WEB_TRUSTED_PROXIES to addresses such as 127.0.0.1,10.0.0.0/8",
                ) from None

    def include(self, host: str) -> bool:
        address = as_address(host)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return address is not None and any(address in network for network in self._networks)


def name_in(host: str) -> str:
    """The name or address in a `Host` header, normalised; empty if there is none."""
    name = host.lower()
    if name.startswith("["):
        name, bracket, port = name[1:].partition("]")
        if not bracket or (port and not _is_port(port)):
            return ""
    elif ":" in name:
        name, _, port = name.partition(":")
        if not _is_port(":" + port):
            return ""
    name = name.removesuffix(".")
    address = as_address(name)
    return name if address is None else str(address)


def origin_of(url: str) -> str:
    """Scheme, name and port of an address, as browsers send them in `Origin`. Raises `ValueError` if one is missing."""
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname:
        raise ValueError(f"{url!r} has no scheme or no name")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else _as_sent(parts.hostname)
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}".lower()


def _allowed(name: str) -> str:
    """A name of the settings, normalised: people copy it with its port or brackets. Raises `ConfigError`."""
    address = as_address(name)
    if address is not None:
        return str(address)
    try:
        plain = name_in(_as_sent(name))
    except UnicodeError:
        plain = ""
    if not plain or set(plain.removeprefix("*.")) & set("*/@ "):
        raise ConfigError(
            f"web_allowed_hosts has {name!r}, which is not a host name",
            remedy="set RIDER_WEB_ALLOWED_HOSTS to names such as panel.home,*.lan",
        )
    return plain


def _as_sent(name: str) -> str:
    """The name in ASCII (IDNA), as browsers send it. Raises `UnicodeError`."""
    return name if name.isascii() else name.encode("idna").decode("ascii")


def is_loopback(host: str) -> bool:
    """Whether only programs on this computer reach that address."""
    if host == "localhost":
        return True
    address = as_address(host)
    return address is not None and address.is_loopback


def as_address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6
