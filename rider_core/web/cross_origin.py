"""Programs that are pages themselves (desktop apps, extensions) ask OpenAI's paths from another origin (CORS).

After the Fetch standard: a browser asks first (OPTIONS) and sends no password with that; the answer says what it may.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rider_core.errors import ConfigError
from rider_core.web.host_names import origin_of

METHODS = "GET, POST, OPTIONS"
#: What clients send, those of OpenAI's own among it; a browser asks for more by name.
HEADERS = "authorization, content-type"
#: How long a browser need not ask again, in seconds.
MAX_AGE_S = 600
#: Of the list that a browser asks for; what is longer is not answered.
MAX_ASKED = 1_000


class AllowedOrigins:
    """The origins that the settings name."""

    def __init__(self, origins: Iterable[str]) -> None:
        """Raises `ConfigError` where one is none."""
        self._origins = frozenset(map(_origin, origins))

    def allow(self, origin: str) -> bool:
        return origin.lower() in self._origins


def _origin(text: str) -> str:
    try:
        return origin_of(text)
    except ValueError:
        raise ConfigError(
            f"web_allowed_origins has {text!r}, which is no page's address",
            remedy="set RIDER_WEB_ALLOWED_ORIGINS to some such as app://obsidian.md,http://localhost:3000",
        ) from None


def is_preflight(environ: dict[str, Any]) -> bool:
    return environ.get("REQUEST_METHOD") == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def headers_for(origin: str) -> list[tuple[str, str]]:
    """On every answer to such a page."""
    return [("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), ("Access-Control-Expose-Headers", "*")]


def preflight_headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """On the answer to the browser's question."""
    asked = str(environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", ""))
    known = asked if asked and len(asked) <= MAX_ASKED and asked.isprintable() else HEADERS
    return [
        ("Access-Control-Allow-Methods", METHODS),
        ("Access-Control-Allow-Headers", known),
        ("Access-Control-Max-Age", str(MAX_AGE_S)),
        # A public page that asks a machine in the house (Private Network Access).
        ("Access-Control-Allow-Private-Network", "true"),
    ]
