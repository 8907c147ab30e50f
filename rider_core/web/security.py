"""WSGI middleware in front of Flask and Engine.IO: checks host name, origin and identity of each request.

Errors have OpenAI's format on the paths of its clients, and are problem details on those of the REST interface.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.metrics import REFUSED
from rider_core.printable import printable
from rider_core.web.access.access_control import AccessControl, AccessRefusal
from rider_core.web.access.authenticator import Authenticator
from rider_core.web.access.identity import KEY, NOBODY
from rider_core.web.cross_origin import AllowedOrigins, headers_for, is_preflight, preflight_headers
from rider_core.web.health import OPEN_PATHS
from rider_core.web.host_names import HostNames, PublicUrl, TrustedProxies, is_loopback, name_in
from rider_core.web.openai.errors import PREFIX as OPENAI_PREFIX
from rider_core.web.openai.errors import error_body
from rider_core.web.rest.problems import CONTENT_TYPE, problem_body
from rider_core.web.rest.problems import PREFIX as REST_PREFIX
from rider_core.web.serving.handler import close_after_answer

log = logging.getLogger(__name__)

#: Values of `Sec-Fetch-Site` for requests of another site's page.
FOREIGN_SITES = frozenset({"cross-site", "same-site"})
#: A closed list: the method becomes a label of the request metrics.
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
#: Maximum length of a refused host name in the answer, in characters.
MAX_SHOWN = 100

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
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
    """Refuse to listen beyond loopback where nobody has to sign in.

    Raises:
        ConfigError: the panel would listen beyond loopback, and there are neither `web_password` nor users.
        DatabaseError: the users cannot be read.
    """
    if not is_loopback(settings.web_host) and not Authenticator(settings).has_people():
        raise ConfigError(
            f"web_host is {settings.web_host!r}, so others could open the panel, and nobody has to sign in",
            remedy="rider users add NAME --role admin, or set RIDER_WEB_PASSWORD, or RIDER_WEB_HOST=127.0.0.1",
        )


class SecurityMiddleware:
    """Answers refused requests with a sentence, counts them, and adds `SECURITY_HEADERS` to every answer."""

    def __init__(self, application: WsgiApp, settings: Settings, access: AccessControl) -> None:
        self._application = application
        self._access = access
        self._public = PublicUrl.of(settings)
        self._names = HostNames(settings, self._public)
        self._proxies = TrustedProxies(settings.web_trusted_proxies)
        self._allowed_origins = AllowedOrigins(settings.web_allowed_origins)
        #: Takes client address, scheme, host and prefix from the headers of a trusted proxy.
        self._behind_proxy = ProxyFix(self._serve, x_for=1, x_proto=1, x_host=1, x_prefix=1)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        serve = self._behind_proxy if self._proxies.include(str(environ.get("REMOTE_ADDR", ""))) else self._serve
        return serve(environ, start_response)

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self._strip_path(environ)
        origin = self._allowed_origin(environ)

        def start_with_headers(status: str, headers: HeaderList, *more: Any) -> Any:
            ours = {name.lower() for name in SECURITY_HEADERS}
            others = [(name, value) for name, value in headers if name.lower() not in ours]
            if not any(name.lower() == "cache-control" for name, _ in others):
                others.append(("Cache-Control", "no-store"))
            if origin:
                others += headers_for(origin)
            return start_response(status, [*others, *SECURITY_HEADERS.items()], *more)

        refusal = self._refusal_of(environ, origin)
        if refusal is None and origin and is_preflight(environ):
            start_with_headers("204 No Content", preflight_headers(environ))
            return []
        if refusal is None:
            return self._application(environ, start_with_headers)
        status, code, sentence, headers = refusal
        REFUSED.labels("web", code).inc()
        kind, body = _refusal(environ, int(status[:3]), code, sentence)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]
        # The request's body was not read: on a kept connection it would be parsed as the next request.
        close_after_answer(environ)
        start_with_headers(status, headers)
        return [body]

    def _strip_path(self, environ: dict[str, Any]) -> None:
        """Remove the public path from the request's path; a proxy may have removed it already."""
        prefix, path = self._public.path, str(environ.get("PATH_INFO", ""))
        if not prefix:
            return
        environ["SCRIPT_NAME"] = prefix
        if path == prefix or path.startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"

    def _allowed_origin(self, environ: dict[str, Any]) -> str:
        """The origin of the request if it is one that may use the OpenAI routes; else empty."""
        origin = str(environ.get("HTTP_ORIGIN", ""))
        return origin if origin and _is_openai(environ) and self._allowed_origins.allow(origin) else ""

    def _refusal_of(self, environ: dict[str, Any], allowed_origin: str) -> AccessRefusal | None:
        """None: the request is allowed."""
        if environ.get("REQUEST_METHOD") not in METHODS:
            return AccessRefusal(
                "405 Method Not Allowed", "method", "There is no such method here.", [("Allow", "GET, HEAD")]
            )
        host = environ.get("HTTP_HOST", "")
        # A simple health check sends no Host header.
        if not self._names.allow(host) and (host or environ.get("PATH_INFO") not in OPEN_PATHS):
            name = printable((name_in(host) or host.partition(":")[0])[:MAX_SHOWN])
            sentence = f"{name!r} is not a host name of the panel. To allow it: "
            return AccessRefusal("403 Forbidden", "host", f"{sentence}RIDER_WEB_ALLOWED_HOSTS={name or 'NAME'}", [])
        if not allowed_origin and not self._is_own_page(environ, host):
            sentence = "A page of another site may not use the panel. Behind a proxy, set RIDER_WEB_PUBLIC_URL to the "
            sentence += (
                "address that people open; for a page that uses /v1, add its origin to RIDER_WEB_ALLOWED_ORIGINS."
            )
            return AccessRefusal("403 Forbidden", "origin", sentence, [])
        if allowed_origin and is_preflight(environ):  # a preflight request has no password
            environ[KEY] = NOBODY
            return None
        return self._access.admit(environ)

    def _is_own_page(self, environ: dict[str, Any], host: str) -> bool:
        """Whether the request comes from the panel's own page, or from no page."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None:
            own = f"{environ.get('wsgi.url_scheme')}://{host}".lower()
            return origin.lower() in (own, self._public.origin) and origin != ""
        # Requests of another site's page for an image or a script have no Origin.
        return environ.get("HTTP_SEC_FETCH_SITE") not in FOREIGN_SITES or _is_navigation(environ)


def _is_navigation(environ: dict[str, Any]) -> bool:
    """Whether the request opens the panel as a page, for example by a link on another site."""
    return (
        environ.get("REQUEST_METHOD") == "GET"
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and environ.get("HTTP_SEC_FETCH_DEST") == "document"
    )


def _is_openai(environ: dict[str, Any]) -> bool:
    return str(environ.get("PATH_INFO", "")).startswith(OPENAI_PREFIX)


def _refusal(environ: dict[str, Any], status: int, code: str, sentence: str) -> tuple[str, bytes]:
    """Content type and body."""
    if str(environ.get("PATH_INFO", "")).startswith(REST_PREFIX):
        return CONTENT_TYPE, problem_body(status, code, sentence)
    if not _is_openai(environ):
        return "text/plain; charset=utf-8", (sentence + "\n").encode()
    # OpenAI's clients know this code for a wrong key.
    openai_code = "invalid_api_key" if status == 401 else code
    return "application/json", json.dumps(error_body(sentence, status, code=openai_code)).encode()
