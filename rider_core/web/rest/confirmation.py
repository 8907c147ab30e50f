"""What is asked once more before a change that is worth it: the password, or the typed name where nobody signs in."""

from __future__ import annotations

import math

from flask import request
from pydantic import SecretStr

from rider_core.errors import InvalidInput, QueueFull
from rider_core.web.access.access_control import AccessControl
from rider_core.web.access.guesses import TooManyGuesses
from rider_core.web.access.identity import OWNER, identity_of
from rider_core.web.access.needed_roles import Forbidden
from rider_core.web.serving.addresses import client_at


class Guessing(QueueFull):
    """Too many wrong passwords came from one address."""

    code = "guesses"

    def __init__(self, wait_s: float) -> None:
        super().__init__(
            "too many wrong passwords came from your address",
            retry_after_s=wait_s,
            remedy=f"try again in {math.ceil(wait_s)} s",
        )


class NotConfirmed(InvalidInput):
    """Who asks may do it, and has not confirmed it."""

    code = "not_confirmed"


def confirm(access: AccessControl, password: SecretStr | None, typed: str | None, wanted: str) -> None:
    """Check that the person who has signed in is still there and means it.

    Args:
        password: Of who asks, where people sign in.
        typed: The confirmation, where nobody signs in.
        wanted: What must be typed.

    Raises:
        NotConfirmed: the password or the confirmation is missing or wrong.
        Forbidden: a token asks, which has no password.
        Guessing: too many wrong passwords came before.
    """
    identity = identity_of(request.environ)
    if identity == OWNER:
        if typed != wanted:
            raise NotConfirmed(f"the confirmation must be {wanted!r}", remedy="send it as `confirmation`")
        return
    if identity.name.startswith("token:"):
        raise Forbidden("a token cannot confirm this: it has no password", remedy="sign in with a name and password")
    if password is None:
        raise NotConfirmed("this needs your password once more", remedy="send it as `password`")
    address = client_at(str(request.environ.get("REMOTE_ADDR", "")))
    try:
        attempt = access.guesses.attempt(address, identity.name)
        if access.authenticator.is_password_of(identity.name, password.get_secret_value(), attempt):
            return
        attempt.count()
    except TooManyGuesses as error:
        raise Guessing(error.wait_s) from None
    raise NotConfirmed("the password is wrong", remedy="send the password with which you have signed in")
