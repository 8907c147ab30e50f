"""Signing in and out on the page."""

from __future__ import annotations

import math
from typing import NoReturn

from flask import request
from pydantic import Field, SecretStr

import rider_core
from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.errors import QueueFull
from rider_core.web.access import audit
from rider_core.web.access.access_control import AccessControl
from rider_core.web.access.identity import Identity, identity_of
from rider_core.web.access.session_cookie import MAX_AGE_S, NAME
from rider_core.web.rest.blueprint import Answer, RestBlueprint
from rider_core.web.rest.problems import WrongPassword
from rider_core.web.serving.addresses import client_at


class TooManyGuesses(QueueFull):
    code = "guesses"


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
        wait_s = access.guesses.wait_s(address, body.user)
        if wait_s:
            raise TooManyGuesses(
                "too many wrong passwords came from your address",
                retry_after_s=wait_s,
                remedy=f"try again in {math.ceil(wait_s)} s",
            )
        # Not before: who sends thousands of passwords must not push the changes of others out of the log.
        audit.acts_as(body.user)
        if access.authenticator.by_password(body.user, body.password.get_secret_value()) is None:
            access.guesses.count(address, body.user)
            _refuse()
        cookie = access.authenticator.new_session(body.user)
        signed_in = access.authenticator.by_session({"HTTP_COOKIE": f"{NAME}={cookie}"})
        assert signed_in is not None
        return Answer(_view(access, signed_in), headers={"Set-Cookie": _cookie(cookie, MAX_AGE_S)})

    @session.operation("DELETE", "", None, None, status=204)
    def sign_out() -> Answer:
        """Sign out: the cookie is removed"""
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


def _refuse() -> NoReturn:
    raise WrongPassword("the name or the password is wrong", remedy="rider users password NAME sets a new one")


def _cookie(value: str, max_age_s: int) -> str:
    """Lax: a link from another page opens the panel signed in. Changes need the session's token as well."""
    path = request.script_root or "/"
    secure = "; Secure" if request.is_secure else ""
    return f"{NAME}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"
