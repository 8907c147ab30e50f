"""Passwords: hashed with Argon2id."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from rider_core.errors import InvalidInput

MIN_LENGTH, MAX_LENGTH = 8, 1_000

#: RFC 9106's second recommendation: 64 MiB of memory and some 50 ms for each password.
_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
#: Checked where there is no such user, so that an answer takes as long as with one. No password has this hash.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def hash_password(password: str) -> str:
    """The hash, with its salt and parameters in it. Raises `InvalidInput` for a password that is too short or long."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput(
            f"a password of {len(password)} characters", remedy=f"choose one with {MIN_LENGTH} to {MAX_LENGTH}"
        )
    return _hasher.hash(password)


def is_password(password_hash: str, password: str) -> bool:
    """Whether the hash is one of this password. Takes as long for a wrong password as for the right one."""
    try:
        return _hasher.verify(password_hash, password[: MAX_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
