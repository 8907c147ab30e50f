"""Stands in front of Flask and Engine.IO alike: who may ask, by which name, from which page, with which password.

No login of its own yet: on loopback whoever is on the machine may look; anywhere else HTTP Basic asks for a password.
OpenAI's clients know no Basic: on their paths the password is a key, too, and a refusal has the form that they know.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import json
import logging
import math
import socket
from collections.abc import Callable, Iterable
from typing import Any

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.metrics import REFUSED
from rider_core.web.buckets import TokenBuckets
from rider_core.web.openai.errors import PREFIX as OPENAI_PREFIX
from rider_core.web.openai.errors import error_body
from rider_core.web.serving.addresses import client_at
from rider_core.web.serving.handler import close_after_answer

log = logging.getLogger(__name__)

USER = "rider"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
#: The only path that tells a stranger anything: that the panel runs. Supervisors ask it.
OPEN_PATHS = frozenset({"/healthz"})
#: Where a browser says that a page of another site asks.
FOREIGN_SITES = frozenset({"cross-site", "same-site"})
#: A closed list, because the method becomes a label of the request metrics.
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
#: Longer than any name and port; what is longer is not parsed.
MAX_HOST = 300
MAX_AUTHORIZATION = 1_000
#: Wrong passwords of one client: so many at once, then one every so many seconds. The right one waits as long, or
#: its guesser would be told.
GUESSES, GUESS_EVERY_S = 10, 2.0

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HeaderList = list[tuple[str, str]]


def check_exposure(settings: Settings) -> None:
    """Refuse to be seen by others without a password.

    Raises:
        ConfigError: the panel would listen beyond loopback, and there is no `web_password`.
    """
    if not is_loopback(settings.web_host) and not _password(settings):
        raise ConfigError(
            f"web_host is {settings.web_host!r}, so others could open the panel, and web_password is not set",
            remedy="set RIDER_WEB_PASSWORD, or RIDER_WEB_HOST=127.0.0.1",
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    address = _as_address(host)
    return address is not None and address.is_loopback


class Gate:
    """WSGI middleware. Refuses with a sentence, counts each refusal, and signs each answer with the headers above."""

    def __init__(self, application: WsgiApp, settings: Settings) -> None:
        self._application = application
        self._password = _password(settings)
        self._guesses = TokenBuckets(GUESSES, GUESS_EVERY_S)
        host = settings.web_host.lower().strip("[]")
        self._names = LOOPBACK_NAMES | {host}
        address = _as_address(host)
        self._any_address = host == "" or (address is not None and address.is_unspecified)
        if self._any_address:
            own = socket.gethostname().lower()
            self._names |= {own, f"{own}.local"}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start_signed(status: str, headers: HeaderList, *more: Any) -> Any:
            ours = {name.lower() for name in SECURITY_HEADERS}
            kept = [(name, value) for name, value in headers if name.lower() not in ours]
            if not any(name.lower() == "cache-control" for name, _ in kept):
                kept.append(("Cache-Control", "no-store"))
            return start_response(status, [*kept, *SECURITY_HEADERS.items()], *more)

        refusal = self._judge(environ)
        if refusal is None:
            return self._application(environ, start_signed)
        status, code, sentence, headers = refusal
        REFUSED.labels("web", code).inc()
        kind, body = _refusal(environ, int(status[:3]), code, sentence)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]
        # The request's body was not read: what follows on this connection would be taken for the next request.
        close_after_answer(environ)
        start_signed(status, headers)
        return [body]

    def _judge(self, environ: dict[str, Any]) -> tuple[str, str, str, HeaderList] | None:
        """Why this request is refused, or None."""
        if environ.get("REQUEST_METHOD") not in METHODS:
            return "405 Method Not Allowed", "method", "There is no such method here.", [("Allow", "GET, HEAD")]
        host = environ.get("HTTP_HOST", "")
        if not self._knows(host):
            sentence = "The panel does not go by this name. Open it by its address, or set RIDER_WEB_HOST to the name."
            return "403 Forbidden", "host", sentence, []
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin.lower() != f"{environ.get('wsgi.url_scheme')}://{host}".lower():
            return "403 Forbidden", "origin", "Another site's page may not talk to the panel.", []
        if environ.get("HTTP_SEC_FETCH_SITE") in FOREIGN_SITES and not _is_navigation(environ):
            # A picture or a script of such a page has no Origin.
            return "403 Forbidden", "origin", "Another site's page may not use the panel.", []
        return self._judge_password(environ)

    def _judge_password(self, environ: dict[str, Any]) -> tuple[str, str, str, HeaderList] | None:
        if environ.get("PATH_INFO") in OPEN_PATHS:
            return None
        keyed = _is_openai(environ)
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        client = client_at(str(environ.get("REMOTE_ADDR", "")))
        wait_s = self._guesses.wait_s(client) if authorization else 0
        if wait_s:
            sentence = f"Too many wrong passwords came from your address; try again in {math.ceil(wait_s)} s."
            return "429 Too Many Requests", "guesses", sentence, [("Retry-After", str(math.ceil(wait_s)))]
        if not self._authorized(authorization, keyed):
            if authorization:
                self._guesses.take(client)
            sentence = "The panel asks for a password: user rider, password as set in RIDER_WEB_PASSWORD."
            challenge = 'Basic realm="Rider-PC", charset="UTF-8"'
            if keyed:
                sentence = "The API key must be the panel's password, as set in RIDER_WEB_PASSWORD."
                challenge = 'Bearer realm="Rider-PC"'
            return "401 Unauthorized", "password", sentence, [("WWW-Authenticate", challenge)]
        return None

    def _knows(self, host: str) -> bool:
        """Whether the panel is called so. A name of someone else's that leads here is DNS rebinding."""
        if not host or len(host) > MAX_HOST:
            return False
        name = host.lower()
        if name.startswith("["):
            name, bracket, port = name[1:].partition("]")
            if not bracket or (port and not _is_port(port)):
                return False
        elif ":" in name:
            name, _, port = name.partition(":")
            if not _is_port(":" + port):
                return False
        if name in self._names:
            return True
        # A page can be rebound to our address only under a name; who asks by address asked for this address.
        return self._any_address and _as_address(name) is not None

    def _authorized(self, header: str, keyed: bool) -> bool:
        """Args:
        keyed: The password alone, as a bearer's token, will do.
        """
        if self._password is None:
            return True
        scheme, _, given = header[:MAX_AUTHORIZATION].partition(" ")
        if keyed and scheme.lower() == "bearer":
            # WSGI hands headers over as Latin-1; what was sent is UTF-8, as far as it is not ASCII.
            return hmac.compare_digest(given.strip().encode("latin-1", "replace"), self._password.encode())
        if scheme.lower() != "basic":
            return False
        try:
            decoded = base64.b64decode(given.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(decoded, f"{USER}:{self._password}".encode())


def _is_navigation(environ: dict[str, Any]) -> bool:
    """Whether someone followed a link to here, and sees our page then, not theirs."""
    return (
        environ.get("REQUEST_METHOD") == "GET"
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and environ.get("HTTP_SEC_FETCH_DEST") == "document"
    )


def _is_openai(environ: dict[str, Any]) -> bool:
    return str(environ.get("PATH_INFO", "")).startswith(OPENAI_PREFIX)


def _refusal(environ: dict[str, Any], status: int, code: str, sentence: str) -> tuple[str, bytes]:
    """Content type and body."""
    if not _is_openai(environ):
        return "text/plain; charset=utf-8", (sentence + "\n").encode()
    # The word for a wrong key is one that clients know.
    known = "invalid_api_key" if status == 401 else code
    return "application/json", json.dumps(error_body(sentence, status, code=known)).encode()


def _password(settings: Settings) -> str | None:
    return settings.web_password.get_secret_value() or None if settings.web_password else None


def _as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6
