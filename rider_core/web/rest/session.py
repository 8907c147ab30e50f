"""Signing in and out on the page."""

from __future__ import annotations

from flask import request
from pydantic import Field, SecretStr

import rider_core
from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.web.access import audit
from rider_core.web.access.access_control import AccessControl
from rider_core.web.access.guesses import TooManyGuesses
from rider_core.web.access.identity import Identity, identity_of
from rider_core.web.access.session_cookie import MAX_AGE_S, NAME
from rider_core.web.rest.blueprint import Answer, RestBlueprint
from rider_core.web.rest.confirmation import Guessing
from rider_core.web.rest.problems import WrongPassword
from rider_core.web.serving.addresses import client_at


class SignInBody(Message):
    user: str = Field(min_length=1, max_length=64)
    password: SecretStr = Field(max_length=1_000)


class SessionView(Message):
    """Who asks."""

    user: str = Field(description="empty: nobody has signed in; `local`: nobody has to")
    role: Role | None = Field(description="what that user may do; null: nothing but sign in")
    sign_in: bool = Field(description="whether people sign in here at all")
    csrf: str = Field("", description="to be sent as X-CSRF-Token with each change")
    version: str = Field("", description="of rider-core; empty before somebody has signed in")


def session_blueprint(access: AccessControl) -> RestBlueprint:
    """The routes."""
    session = RestBlueprint("session", "Who asks; signing in and out")

    @session.operation("GET", "", None, SessionView)
    def show_session() -> SessionView:
        """Who asks, and what they may do"""
        return _view(access, identity_of(request.environ))

    @session.operation("POST", "", None, SessionView)
    def sign_in(body: SignInBody) -> Answer:
        """Sign in with name and password; the answer sets the session's cookie"""
        if not access.authenticator.is_required():
            return Answer(_view(access, identity_of(request.environ)))
        address = client_at(str(request.environ.get("REMOTE_ADDR", "")))
        try:
            attempt = access.guesses.attempt(address, body.user)
            signed_in = access.authenticator.sign_in(body.user, body.password.get_secret_value(), attempt)
            if signed_in is None:
                attempt.count()
        except TooManyGuesses as error:
            raise Guessing(error.wait_s) from None
        # Not before: who sends thousands of passwords must not push the changes of others out of the log.
        audit.acts_as(body.user)
        if signed_in is None:
            raise WrongPassword("the name or the password is wrong", remedy="rider users password NAME sets a new one")
        cookie = _cookie(signed_in.cookie, MAX_AGE_S)
        return Answer(_view(access, signed_in.identity), headers={"Set-Cookie": cookie})

    @session.operation("DELETE", "", None, None, status=204)
    def sign_out() -> Answer:
        """Sign out: the session ends, and the cookie is removed"""
        access.authenticator.sign_out(identity_of(request.environ))
        return Answer(None, headers={"Set-Cookie": _cookie("", 0)})

    return session


def _view(access: AccessControl, identity: Identity) -> SessionView:
    return SessionView(
        user=identity.name,
        role=identity.role,
        sign_in=access.authenticator.is_required(),
        csrf=identity.csrf,
        version=rider_core.__version__ if identity.role else "",
    )


def _cookie(value: str, max_age_s: int) -> str:
    """Lax: a link from another page opens the panel signed in. Changes need the session's token as well."""
    path = request.script_root or "/"
    secure = "; Secure" if request.is_secure else ""
    return f"{NAME}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"
