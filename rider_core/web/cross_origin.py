"""CORS: pages of origins that the settings name (desktop apps, browser extensions) may use the OpenAI routes.

As in the Fetch standard: a browser first sends a preflight request (OPTIONS) without the password.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rider_core.errors import ConfigError
from rider_core.web.host_names import origin_of

METHODS = "GET, POST, OPTIONS"
#: Headers that clients send, OpenAI's own client included. A browser names further ones in its preflight request.
HEADERS = "authorization, content-type"
#: For how long a browser may cache the answer to a preflight request, in seconds.
MAX_AGE_S = 600
#: Maximum length of the list of headers in a preflight request, in characters. A longer list gets the default answer.
MAX_REQUESTED = 1_000


class AllowedOrigins:
    """The origins that the settings name."""

    def __init__(self, origins: Iterable[str]) -> None:
        """Raises `ConfigError` if one of `origins` is not an origin."""
        self._origins = frozenset(map(_origin, origins))

    def allow(self, origin: str) -> bool:
        return origin.lower() in self._origins


def _origin(text: str) -> str:
    try:
        return origin_of(text)
    except ValueError:
        raise ConfigError(
            f"web_allowed_origins has {text!r}, which is not the address of a page",
            remedy="set RIDER_WEB_ALLOWED_ORIGINS to origins such as app://obsidian.md,http://localhost:3000",
        ) from None


def is_preflight(environ: dict[str, Any]) -> bool:
    return environ.get("REQUEST_METHOD") == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def headers_for(origin: str) -> list[tuple[str, str]]:
    """Headers of every answer to a page of an allowed origin."""
    return [("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), ("Access-Control-Expose-Headers", "*")]


def preflight_headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """Headers of the answer to a preflight request."""
    requested = str(environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", ""))
    allowed = requested if requested and len(requested) <= MAX_REQUESTED and requested.isprintable() else HEADERS
    return [
        ("Access-Control-Allow-Methods", METHODS),
        ("Access-Control-Allow-Headers", allowed),
        ("Access-Control-Max-Age", str(MAX_AGE_S)),
        # For a public page that uses a machine in the local network (Private Network Access).
        ("Access-Control-Allow-Private-Network", "true"),
    ]
