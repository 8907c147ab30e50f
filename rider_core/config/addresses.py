"""Addresses out of their parts: host and port, and Redis's URL."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from rider_core.errors import ConfigError
from rider_core.printable import without_secrets


def authority(host: str, port: int) -> str:
    """Host and port as in a URL: an IPv6 address is in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def redis_url_of(variables: Mapping[str, str | None]) -> str:
    """The URL that follows from `REDIS_HOST`, `REDIS_PORT`, `REDIS_DB` and `REDIS_PASSWORD`.

    Raises:
        ConfigError: one of them is wrong. Kubernetes sets `REDIS_PORT` to an address where a service is called redis.
    """
    host = str(variables["redis_host"]).strip()
    numbers = {}
    for name, default, most in (("redis_port", "6379", 65_535), ("redis_db", "0", 1_000_000)):
        text = str(variables.get(name) or default).strip()
        if not (text.isascii() and text.isdigit() and int(text) <= most):
            variable = name.upper()
            raise ConfigError(
                f"{variable} is {without_secrets(repr(text))[:80]}, not a number up to {most}",
                remedy=f"set {variable} to a number, or set REDIS_URL instead",
            )
        numbers[name] = int(text)
    password = variables.get("redis_password")
    login = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{login}{authority(host, numbers['redis_port'])}/{numbers['redis_db']}"
