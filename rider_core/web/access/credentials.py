"""Reads the `Authorization` header: HTTP Basic, and bearer tokens."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

#: Longest header that is read, in characters.
MAX_AUTHORIZATION = 1_500


class Credentials(NamedTuple):
    """
    Attributes:
        user: The name; None: it is a bearer token.
        secret: The password or the token.
    """

    user: str | None
    secret: str


def credentials_of(header: str) -> Credentials | None:
    """What the header has; None: it is neither, or malformed."""
    scheme, _, rest = header[:MAX_AUTHORIZATION].partition(" ")
    # WSGI decodes headers as Latin-1, clients encode them as UTF-8.
    given = rest.strip().encode("latin-1", "replace")
    if scheme.lower() == "bearer":
        return Credentials(None, given.decode("utf-8", "replace"))
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(given, validate=True).decode("utf-8", "replace").partition(":")
    except (binascii.Error, ValueError):
        return None
    return Credentials(user, password)
