"""Users and API tokens, and how the panel reads them. `AccountStore` writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rider_core.api.roles import Role
from rider_core.database.reading import rows
from rider_core.errors import DatabaseError, NotMigrated

#: A name of a user or a token: what a URL, a log line and a metric label can show as it is.
NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,63}"
#: Length of the columns with names.
NAME_LENGTH = 64
#: Of a household or a laboratory.
MAX_USERS, MAX_TOKENS = 200, 1_000
_USERS = "SELECT name, role, password_hash, created_ts FROM users ORDER BY name"
_TOKENS = "SELECT id, name, role, secret_hash, created_by, created_ts, expires_ts FROM api_tokens ORDER BY created_ts"


@dataclass(frozen=True)
class User:
    """A person who may sign in. `created_ts` is in seconds since the epoch."""

    name: str
    role: Role
    password_hash: str
    created_ts: float


@dataclass(frozen=True)
class ApiToken:
    """A token with which a program comes in, without its secret part.

    Attributes:
        id: Its public part.
        name: For people.
        secret_hash: SHA-256 of the secret part, in hexadecimal digits.
        created_by: The user who made it.
        expires_ts: Seconds since the epoch; None: never.
    """

    id: str
    name: str
    role: Role
    secret_hash: str
    created_by: str
    created_ts: float
    expires_ts: float | None

    @property
    def expired(self) -> bool:
        return self.expires_ts is not None and time.time() >= self.expires_ts


def read_users(url: str) -> list[User]:
    """All users, by name; a database without their table has none. Raises `DatabaseError`."""
    return [User(str(name), _role(role), str(hashed), float(ts)) for name, role, hashed, ts in _rows(url, _USERS)]


def read_tokens(url: str) -> list[ApiToken]:
    """All tokens, the oldest first; a database without their table has none. Raises `DatabaseError`."""
    return [
        ApiToken(str(key), str(name), _role(role), str(hashed), str(by), float(ts), None if end is None else float(end))
        for key, name, role, hashed, by, ts, end in _rows(url, _TOKENS)
    ]


def _rows(url: str, query: str) -> Sequence[Sequence[Any]]:
    try:
        return rows(url, query)
    except NotMigrated:
        return []


def _role(text: Any) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise DatabaseError(
            f"the database has a user or a token with the role {str(text)[:20]!r}", remedy="rider users role NAME read"
        ) from None
