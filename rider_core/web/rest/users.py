"""Users and their API tokens."""

from __future__ import annotations

import time
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from flask import request
from pydantic import Field, SecretStr

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.database.accounts import NAME_LENGTH, NAME_PATTERN, ApiToken, User
from rider_core.errors import NotFound
from rider_core.runtime.api_tokens import new_token
from rider_core.runtime.passwords import MAX_LENGTH, MIN_LENGTH, hash_password
from rider_core.runtime.services import Services
from rider_core.web.access import audit
from rider_core.web.access.account_cache import AccountCache
from rider_core.web.access.identity import identity_of
from rider_core.web.rest.blueprint import RestBlueprint
from rider_core.web.serving.native_threads import in_native_thread

if TYPE_CHECKING:
    from rider_core.database.account_store import AccountStore

_NAME = f"^{NAME_PATTERN}$"


class UserPath(Message):
    name: str = Field(pattern=_NAME, description="the user's name")


class UserView(Message):
    name: str
    role: Role
    created_ts: float


class UsersView(Message):
    users: tuple[UserView, ...] = Field(description="by name")


class NewUserBody(Message):
    name: str = Field(pattern=_NAME)
    role: Role
    password: SecretStr = Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)


class UserBody(Message):
    """What is to be changed."""

    role: Role | None = None
    password: SecretStr | None = Field(None, min_length=MIN_LENGTH, max_length=MAX_LENGTH)


class TokenPath(Message):
    token_id: str = Field(pattern="^[0-9a-f]{12}$", description="the token's id")


class TokenView(Message):
    id: str
    name: str
    role: Role
    created_by: str
    created_ts: float
    expires_ts: float | None = Field(description="null: never")


class TokensView(Message):
    tokens: tuple[TokenView, ...] = Field(description="the oldest first")


class NewTokenBody(Message):
    name: str = Field(pattern=_NAME, description="for people")
    role: Role = Field(description="what it may do; not more than who makes it")
    lifetime_s: float | None = Field(None, gt=0, le=10 * 366 * 86_400, description="null: it does not expire")


class NewTokenView(Message):
    token: TokenView
    secret: str = Field(description="the token itself: it is shown this once")


def users_blueprint(services: Services, accounts: AccountCache) -> RestBlueprint:
    """The routes of users."""
    users = RestBlueprint("users", "People who may sign in")

    @users.operation("GET", "", Role.ADMIN, UsersView)
    def list_users() -> UsersView:
        """Every user"""
        return UsersView(users=tuple(_user(user) for user in accounts.users().values()))

    @users.operation("POST", "", Role.ADMIN, UserView, status=201, problems=(409,))
    def add_user(body: NewUserBody) -> UserView:
        """Add a user"""
        user = User(body.name, body.role, _hashed(body.password), time.time())
        _store(services).add_user(user)
        accounts.forget()
        return _user(user)

    @users.operation("PATCH", "/<name>", Role.ADMIN, UserView, problems=(404, 409))
    def change_user(path: UserPath, body: UserBody) -> UserView:
        """Change a user's role or password; a new password ends their sessions"""
        accounts.forget()
        user = accounts.users().get(path.name)
        if user is None:
            raise NotFound(f"there is no user {path.name!r}")
        audit.changes({"role": user.role.value})
        if body.role is not None:
            _store(services).set_role(path.name, body.role)
        if body.password is not None:
            _store(services).set_password(path.name, _hashed(body.password))
        accounts.forget()
        changed = accounts.users().get(path.name)
        if changed is None:  # removed meanwhile
            raise NotFound(f"there is no user {path.name!r}")
        return _user(changed)

    @users.operation("DELETE", "/<name>", Role.ADMIN, None, status=204, problems=(404, 409))
    def remove_user(path: UserPath) -> None:
        """Remove a user; their sessions end"""
        user = accounts.users().get(path.name)
        audit.changes({"role": user.role.value} if user else None)
        _store(services).remove_user(path.name)
        accounts.forget()

    return users


def tokens_blueprint(services: Services, accounts: AccountCache) -> RestBlueprint:
    """The routes of API tokens."""
    tokens = RestBlueprint("tokens", "Keys with which programs come in")

    @tokens.operation("GET", "", Role.ADMIN, TokensView)
    def list_tokens() -> TokensView:
        """Every token, without its secret part"""
        return TokensView(tokens=tuple(_token(token) for token in accounts.tokens().values()))

    @tokens.operation("POST", "", Role.ADMIN, NewTokenView, status=201, problems=(409,))
    def add_token(body: NewTokenBody) -> NewTokenView:
        """Make a token; its secret part is in this answer only"""
        made = new_token(body.name, body.role, identity_of(request.environ).name[:NAME_LENGTH], body.lifetime_s)
        _store(services).add_token(made.stored)
        accounts.forget()
        audit.changes(None, {"id": made.stored.id, **body.model_dump(mode="json")})
        return NewTokenView(token=_token(made.stored), secret=made.text)

    @tokens.operation("DELETE", "/<token_id>", Role.ADMIN, None, status=204, problems=(404,))
    def revoke_token(path: TokenPath) -> None:
        """Revoke a token"""
        token = accounts.tokens().get(path.token_id)
        audit.changes({"name": token.name, "role": token.role.value} if token else None)
        _store(services).revoke_token(path.token_id)
        accounts.forget()

    return tokens


def _store(services: Services) -> AccountStore:
    return _store_type()(services.database)


@cache
def _store_type() -> type[AccountStore]:
    """Imported at the first change: SQLAlchemy is half of a small process's memory."""
    found: type[AccountStore] = import_module("rider_core.database.account_store").AccountStore
    return found


def _hashed(password: SecretStr) -> str:
    return in_native_thread(hash_password, password.get_secret_value())


def _user(user: User) -> UserView:
    return UserView(name=user.name, role=user.role, created_ts=user.created_ts)


def _token(token: ApiToken) -> TokenView:
    return TokenView(
        id=token.id,
        name=token.name,
        role=token.role,
        created_by=token.created_by,
        created_ts=token.created_ts,
        expires_ts=token.expires_ts,
    )
