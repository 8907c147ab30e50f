"""Finds out on whose behalf a request comes: by its session's cookie, its password, or its token."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import replace
from typing import Any, NamedTuple

from rider_core.api.roles import Role
from rider_core.config import Settings
from rider_core.runtime.api_tokens import id_of, is_secret_of
from rider_core.runtime.data_folder import make_data_folder
from rider_core.runtime.passwords import NOBODY as NOBODYS_HASH
from rider_core.runtime.passwords import is_password
from rider_core.web.access.account_cache import AccountCache
from rider_core.web.access.credentials import Credentials
from rider_core.web.access.ended_sessions import EndedSessions
from rider_core.web.access.guesses import PasswordAttempt
from rider_core.web.access.identity import OWNER, Identity
from rider_core.web.access.session_cookie import NAME, SessionCookies
from rider_core.web.host_names import is_loopback
from rider_core.web.serving.native_threads import in_native_thread

#: The user whose password is RIDER_WEB_PASSWORD.
ADMIN = "rider"
#: Passwords that were right lately are remembered, as a keyed hash: a program that sends one with each request would
#: wait 50 ms each time.
MAX_REMEMBERED = 100
KEY_FILE = "session.key"
#: Of the names of identities that a token has; no user's name has a colon.
_TOKEN_PREFIX = "token:"


class SignedIn(NamedTuple):
    """
    Attributes:
        identity: With the session's token.
        cookie: Value of the cookie.
    """

    identity: Identity
    cookie: str


class _Account(NamedTuple):
    """
    Attributes:
        secret: The password or its hash: a session ends when it changes.
    """

    secret: str
    role: Role


class Authenticator:
    """All methods may be called from several threads; each raises `DatabaseError` where no users were ever read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        #: The users and tokens that it knows.
        self.accounts = AccountCache(settings.database_location)
        password = settings.web_password
        self._password = (password.get_secret_value() or None) if password else None
        self._memory_key = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, str] = OrderedDict()
        #: One password at a time: many at once must not take the memory of all.
        self._one_at_a_time = threading.Lock()
        self._made_cookies: SessionCookies | None = None
        self._ended = EndedSessions()

        beyond = not is_loopback(settings.web_host)
        #: Others can reach the panel, themselves or through a proxy.
        self._is_exposed = beyond or bool(settings.web_public_url or settings.web_trusted_proxies)
        self._is_required = beyond

    @property
    def has_password(self) -> bool:
        """Whether RIDER_WEB_PASSWORD is set."""
        return self._password is not None

    def has_people(self) -> bool:
        """Whether somebody can sign in."""
        return self._password is not None or bool(self.accounts.users())

    def is_required(self) -> bool:
        """Whether requests need an identity. Otherwise all come on behalf of the machine's owner.

        Where others can reach the panel it stays so until the panel's next start: a database that is lost, or restored
        without its users, opens nothing.
        """
        required = self._is_required or self.has_people()
        if required and self._is_exposed:
            self._is_required = True
        return required

    def by_session(self, environ: dict[str, Any]) -> Identity | None:
        """The identity of a signed-in browser."""
        cookies = str(environ.get("HTTP_COOKIE", ""))
        session = self._cookies.decode(cookies) if NAME in cookies else None
        if session is None or session.csrf in self._ended:
            return None
        found = self._account(session.user)
        if found is None or not hmac.compare_digest(self._cookies.fingerprint(found.secret), session.fingerprint):
            return None
        return Identity(session.user, found.role, session.csrf, self._mark(found.secret), session.expires_ts)

    def by_credentials(self, given: Credentials, attempt: PasswordAttempt, *, accepts_key: bool) -> Identity | None:
        """The identity of a token, or of a user's name and password. Raises `TooManyGuesses`.

        Args:
            accepts_key: RIDER_WEB_PASSWORD is accepted as a bearer token as well.
        """
        if given.user is not None:
            found = self._by_password(given.user, given.secret, attempt)
            return Identity(given.user, found.role, password_mark=self._mark(found.secret)) if found else None
        if accepts_key and self._password is not None and _equal(given.secret, self._password):
            return Identity(ADMIN, Role.ADMIN, password_mark=self._mark(self._password))
        return self._by_token(given.secret)

    def present(self, identity: Identity) -> Identity | None:
        """What an identity that was found earlier is now, with its present role; None: it has ended.

        It needs neither the cookie nor the password again: a connection that stays open is checked by it.
        """
        if identity == OWNER:
            return None if self.is_required() else OWNER
        if identity.expires_ts is not None and time.time() >= identity.expires_ts:
            return None
        if identity.name.startswith(_TOKEN_PREFIX):
            token = self.accounts.tokens().get(identity.name.removeprefix(_TOKEN_PREFIX))
            return None if token is None else replace(identity, role=token.role)
        account = self._account(identity.name)
        if account is None or identity.csrf in self._ended:
            return None
        is_same = hmac.compare_digest(self._mark(account.secret), identity.password_mark)
        return replace(identity, role=account.role) if is_same else None

    def sign_out(self, identity: Identity) -> None:
        """End a session, also for copies of its cookie, until the panel's next start."""
        if identity.csrf:
            self._ended.add(identity.csrf)

    def sign_in(self, name: str, password: str, attempt: PasswordAttempt) -> SignedIn | None:
        """A new session of a user with that password. Raises `TooManyGuesses`."""
        found = self._by_password(name, password, attempt)
        if found is None:
            return None
        session = self._cookies.new(name, found.secret)
        identity = Identity(name, found.role, session.csrf, self._mark(found.secret), session.expires_ts)
        return SignedIn(identity, self._cookies.encode(session))

    def is_password_of(self, name: str, password: str, attempt: PasswordAttempt) -> bool:
        """Whether a user has that password. Raises `TooManyGuesses`."""
        return self._by_password(name, password, attempt) is not None

    def _by_password(self, name: str, password: str, attempt: PasswordAttempt) -> _Account | None:
        password = password.encode("utf-8", "replace").decode()  # without lone surrogates
        if name == ADMIN and self._password is not None:
            return _Account(self._password, Role.ADMIN) if _equal(password, self._password) else None
        user = self.accounts.users().get(name)
        mark = hmac.digest(self._memory_key, f"{name}:{password}".encode("utf-8", "replace"), "sha256")
        if user is not None and self._remembered.get(mark) == user.password_hash:
            return _Account(user.password_hash, user.role)
        attempt.count()
        with self._one_at_a_time:
            is_right = in_native_thread(is_password, user.password_hash if user else NOBODYS_HASH, password)
        if not is_right or user is None:
            return None
        attempt.forgive()
        self._remembered[mark] = user.password_hash
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        # That of the hash that was checked: the password may have been changed meanwhile.
        return _Account(user.password_hash, user.role)

    def _by_token(self, text: str) -> Identity | None:
        token = self.accounts.tokens().get(id_of(text) or "")
        if token is None or not is_secret_of(token, text) or token.expired:
            return None
        return Identity(f"{_TOKEN_PREFIX}{token.id}", token.role, expires_ts=token.expires_ts)

    def _account(self, name: str) -> _Account | None:
        if name == ADMIN and self._password is not None:
            return _Account(self._password, Role.ADMIN)
        user = self.accounts.users().get(name)
        return _Account(user.password_hash, user.role) if user else None

    def _mark(self, secret: str) -> str:
        """A keyed hash of a password or its hash: an identity outlives neither it nor this process."""
        return hmac.digest(self._memory_key, secret.encode(), "sha256").hex()

    @property
    def _cookies(self) -> SessionCookies:
        """Made at the first use: where nobody signs in there is no key. Raises `ConfigError`."""
        with self._one_at_a_time:
            if self._made_cookies is None:
                make_data_folder(self._settings.data_dir)
                self._made_cookies = SessionCookies(self._settings.data_dir / KEY_FILE)
            return self._made_cookies


def _equal(given: str, secret: str) -> bool:
    """Compares in the same time wherever they differ."""
    return hmac.compare_digest(given.encode(), secret.encode())
