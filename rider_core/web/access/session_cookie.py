"""The cookie of a signed-in browser: who it is, signed with a key of this installation.

Nothing is stored for a session. It ends with the cookie's age, with a change of the user's password, and with the user;
the panel's process remembers those that were signed out (`ended_sessions.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.http import parse_cookie

from rider_core.errors import ConfigError

NAME = "rider_session"
#: Two weeks, in seconds.
MAX_AGE_S = 14 * 86_400
#: Longest `Cookie` header that is parsed, in characters. Ours has 200; others on the same host have some too.
MAX_COOKIES = 8_192
_KEY_BYTES = 32


class Session(NamedTuple):
    """
    Attributes:
        user: A name.
        csrf: Random; a page of another site cannot read it.
        fingerprint: Of the user's password at that time.
        expires_ts: When it ends, in seconds since the epoch.
    """

    user: str
    csrf: str
    fingerprint: str
    expires_ts: float


class SessionCookies:
    """Makes and reads cookies."""

    def __init__(self, key_file: Path) -> None:
        """Raises `ConfigError` where the file can be neither read nor made."""
        self._key = _key(key_file)
        self._serializer = URLSafeTimedSerializer(self._key, salt="rider-session")

    def new(self, user: str, password: str) -> Session:
        """A new session.

        Args:
            password: The user's password or its hash: whatever the session is to end with.
        """
        return Session(user, secrets.token_urlsafe(18), self.fingerprint(password), time.time() + MAX_AGE_S)

    def encode(self, session: Session) -> str:
        """The cookie's value."""
        text = self._serializer.dumps([session.user, session.csrf, session.fingerprint])
        return text if isinstance(text, str) else text.decode()

    def fingerprint(self, password: str) -> str:
        """It changes with the password, and tells nothing of it to who lacks the key."""
        return hmac.new(self._key, b"fingerprint" + password.encode(), hashlib.sha256).hexdigest()[:16]

    def decode(self, cookie_header: str) -> Session | None:
        """The session in a `Cookie` header; None: there is none, or its signature or age is wrong."""
        if len(cookie_header) > MAX_COOKIES:
            return None
        try:
            (user, csrf, fingerprint), signed_at = self._serializer.loads(
                parse_cookie(cookie_header).get(NAME, ""), max_age=MAX_AGE_S, return_timestamp=True
            )
            return Session(str(user), str(csrf), str(fingerprint), signed_at.timestamp() + MAX_AGE_S)
        except (BadData, ValueError, TypeError):
            return None


def _key(file: Path) -> bytes:
    """The installation's key, made at the first use. Raises `ConfigError`."""
    try:
        if not file.exists():
            descriptor, fresh = tempfile.mkstemp(prefix=file.name, dir=file.parent)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(secrets.token_bytes(_KEY_BYTES))
            with suppress(FileExistsError):  # another panel was quicker
                os.link(fresh, file)
            os.unlink(fresh)
        key = file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the key of the sessions in {file} cannot be used: {error.strerror}",
            remedy="remove it, or correct its permissions",
        ) from None
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"the key of the sessions in {file} is damaged", remedy="remove it; all sign in again")
    return key
