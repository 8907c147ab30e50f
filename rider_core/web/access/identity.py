"""On whose behalf a request comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rider_core.api.roles import Role

#: Key in the WSGI environment. The security middleware sets it; no header can, as those begin with `HTTP_`.
KEY = "rider.identity"


@dataclass(frozen=True)
class Identity:
    """
    Attributes:
        name: A user's, `token:ID`, or `local`; it stands in the audit log. Empty: nobody, on the open pages.
        role: None: nobody, who may open the page and sign in.
        csrf: Of a session: what its writing requests must repeat in a header; else empty.
        password_mark: Of a user's password at that time, keyed: `Authenticator.present` compares it. Else empty.
        expires_ts: When the session or the token ends, in seconds since the epoch; None: it does not by itself.
    """

    name: str
    role: Role | None
    csrf: str = ""
    password_mark: str = field(default="", repr=False)
    expires_ts: float | None = None

    def may(self, needed: Role) -> bool:
        return self.role is not None and self.role.includes(needed)


#: Identity of all requests if users need not sign in.
OWNER = Identity("local", Role.ADMIN)
NOBODY = Identity("", None)


def identity_of(environ: dict[str, Any]) -> Identity:
    """Of a request that the security middleware has let through."""
    identity: Identity = environ[KEY]
    return identity
