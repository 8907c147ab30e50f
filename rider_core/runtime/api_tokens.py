"""API tokens: `rider_ID_SECRET`. The secret part is shown once, and only its hash is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from typing import NamedTuple

from rider_core.api.roles import Role
from rider_core.database.accounts import ApiToken

#: Like other makers' tokens it begins with a name, so that scanners of repositories find it.
_PATTERN = re.compile(r"rider_(?P<id>[0-9a-f]{12})_(?P<secret>[0-9a-f]{40})")


class NewToken(NamedTuple):
    """A token as it is shown once, and as it is stored."""

    text: str
    stored: ApiToken


def new_token(name: str, role: Role, created_by: str, lifetime_s: float | None) -> NewToken:
    """A token with 160 random bits.

    Args:
        lifetime_s: Seconds until it expires; None: never.
    """
    token_id, secret = secrets.token_hex(6), secrets.token_hex(20)
    now = time.time()
    stored = ApiToken(
        id=token_id,
        name=name,
        role=role,
        secret_hash=_hashed(secret),
        created_by=created_by,
        created_ts=now,
        expires_ts=None if lifetime_s is None else now + lifetime_s,
    )
    return NewToken(f"rider_{token_id}_{secret}", stored)


def id_of(text: str) -> str | None:
    """The id in a token; None: it is no token of ours."""
    found = _PATTERN.fullmatch(text)
    return found["id"] if found else None


def is_secret_of(token: ApiToken, text: str) -> bool:
    """Whether `text` is this token, with its secret part. Whether it has expired is not checked."""
    found = _PATTERN.fullmatch(text)
    return found is not None and hmac.compare_digest(_hashed(found["secret"]), token.secret_hash)


def _hashed(secret: str) -> str:
    # A fast hash is sufficient: 160 random bits cannot be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()
