"""Lets requests in that have an identity where one is needed, and says to the others what is missing."""

from __future__ import annotations

import hmac
import math
from typing import Any, NamedTuple

from rider_core.api.roles import Role
from rider_core.config import Settings
from rider_core.errors import ConfigError, DatabaseError
from rider_core.web.access.authenticator import ADMIN, Authenticator
from rider_core.web.access.credentials import Credentials, credentials_of
from rider_core.web.access.guesses import Guesses, TooManyGuesses
from rider_core.web.access.identity import KEY, NOBODY, OWNER, Identity
from rider_core.web.access.needed_roles import SAFE_METHODS
from rider_core.web.health import OPEN_PATHS
from rider_core.web.openai.errors import PREFIX as OPENAI_PREFIX
from rider_core.web.pages import is_page
from rider_core.web.serving.addresses import client_at

#: Its own token, or an identity, opens it.
METRICS_PATH = "/metrics"
#: Needs no identity: who asks, and signing in.
SESSION_PATH = "/api/v1/session"
STATIC_PREFIX = "/static/"
#: A signed-in page sends it with each change; a page of another site does not know it.
CSRF_HEADER = "X-CSRF-Token"
#: Its messages change nothing, and its client cannot send a header with each.
_SOCKET_PREFIX = "/socket.io/"
#: Stands for the account of tokens when wrong ones are counted.
_TOKENS = "a token"


class AccessRefusal(NamedTuple):
    """
    Attributes:
        status: HTTP status line.
        code: For the counter of refusals, and for programs.
        sentence: For people.
        headers: Of the answer.
    """

    status: str
    code: str
    sentence: str
    headers: list[tuple[str, str]]


class AccessControl:
    """Puts an `Identity` into the environment of each request that it lets in.

    Attributes:
        authenticator: Knows users, tokens and sessions.
        guesses: Counts wrong passwords, those of the sign-in route too.
    """

    def __init__(self, settings: Settings) -> None:
        token = settings.metrics_token
        self._metrics_token = (token.get_secret_value() or None) if token else None
        self.authenticator = Authenticator(settings)
        self.guesses = Guesses()

    def admit(self, environ: dict[str, Any]) -> AccessRefusal | None:
        """None: the request is let in."""
        if environ.get("PATH_INFO") in OPEN_PATHS:
            environ[KEY] = NOBODY
            return None
        try:
            found = self._identify(environ)
        except TooManyGuesses as error:
            return _too_many_guesses(error.wait_s)
        except (DatabaseError, ConfigError) as error:
            return AccessRefusal("503 Service Unavailable", error.code, f"Nobody can sign in: {error}", [])
        if isinstance(found, AccessRefusal):
            return found
        environ[KEY] = found
        return None

    def _identify(self, environ: dict[str, Any]) -> Identity | AccessRefusal:
        path = str(environ.get("PATH_INFO", ""))
        has_own_token = path == METRICS_PATH and self._metrics_token is not None
        if not has_own_token and not self.authenticator.is_required():
            return OWNER
        header = str(environ.get("HTTP_AUTHORIZATION", ""))
        if header:
            return self._by_header(environ, header, has_own_token)
        identity = self.authenticator.by_session(environ)
        if identity is None:
            is_open = path == SESSION_PATH or path.startswith(STATIC_PREFIX) or is_page(path)
            return NOBODY if is_open else self._unknown(environ, has_own_token)
        if environ.get("REQUEST_METHOD") not in SAFE_METHODS and not path.startswith(_SOCKET_PREFIX):
            given = str(environ.get("HTTP_X_CSRF_TOKEN", ""))
            if not hmac.compare_digest(given.encode(), identity.csrf.encode()):
                sentence = f"The request lacks the session's {CSRF_HEADER}, which GET /api/v1/session tells."
                return AccessRefusal("403 Forbidden", "csrf", sentence, [])
        return identity

    def _by_header(self, environ: dict[str, Any], header: str, has_own_token: bool) -> Identity | AccessRefusal:
        path = str(environ.get("PATH_INFO", ""))
        address = client_at(str(environ.get("REMOTE_ADDR", "")))
        if has_own_token:
            # A scraper with an old token does not lock the people on its machine out.
            address = f"{METRICS_PATH} {address}"
        given = credentials_of(header)
        attempt = self.guesses.attempt(address, given.user if given and given.user is not None else _TOKENS)
        if given and has_own_token and self._is_metrics_token(given):
            return Identity("metrics", Role.READ)
        identity = None
        if given and self.authenticator.is_required():
            identity = self.authenticator.by_credentials(given, attempt, accepts_key=path.startswith(OPENAI_PREFIX))
        if identity is None:
            attempt.count()
            return self._unknown(environ, has_own_token)
        return identity

    def _is_metrics_token(self, given: Credentials) -> bool:
        assert self._metrics_token is not None
        return given.user is None and hmac.compare_digest(given.secret.encode(), self._metrics_token.encode())

    def _unknown(self, environ: dict[str, Any], has_own_token: bool) -> AccessRefusal:
        """The refusal of a request without an identity."""
        sentence = f"Sign in on the panel's page, or send a token, or a user's name and password ({ADMIN}'s is "
        sentence += "RIDER_WEB_PASSWORD)." if self.authenticator.has_password else "not set)."
        challenge = 'Basic realm="Rider-PC", charset="UTF-8"'
        if has_own_token and not self.authenticator.is_required():
            sentence = "The metrics ask for the bearer token that is set in RIDER_METRICS_TOKEN."
            challenge = 'Bearer realm="Rider-PC"'
        if str(environ.get("PATH_INFO", "")).startswith(OPENAI_PREFIX):
            sentence = "The API key must be a token of the panel (rider tokens new), or RIDER_WEB_PASSWORD."
            challenge = 'Bearer realm="Rider-PC"'
        # A page's script gets no challenge: its browser would show a dialogue of its own.
        is_browser = "Mozilla" in str(environ.get("HTTP_USER_AGENT", ""))
        is_script = is_browser and "text/html" not in str(environ.get("HTTP_ACCEPT", ""))
        return AccessRefusal(
            "401 Unauthorized", "password", sentence, [] if is_script else [("WWW-Authenticate", challenge)]
        )


def _too_many_guesses(wait_s: float) -> AccessRefusal:
    """The refusal of a password that comes too soon after many wrong ones."""
    seconds = str(math.ceil(wait_s))
    sentence = f"Too many wrong passwords came from your address; try again in {seconds} s."
    return AccessRefusal("429 Too Many Requests", "guesses", sentence, [("Retry-After", seconds)])
