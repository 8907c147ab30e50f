"""Writes users and API tokens. `accounts` reads them."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from rider_core.api.roles import Role
from rider_core.database.accounts import MAX_TOKENS, MAX_USERS, NAME_PATTERN, ApiToken, User
from rider_core.database.database import Database
from rider_core.database.tables import ApiTokenRow, UserAccount
from rider_core.errors import AlreadyExists, Conflict, InvalidInput, NotFound


class AccountStore:
    """Every method raises `DatabaseError` where the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_user(self, user: User) -> None:
        """Add a user.

        Raises:
            InvalidInput: the name is malformed.
            AlreadyExists: the name is taken.
            Conflict: the first user is to be no admin, or there are `MAX_USERS`.
        """
        _check_name(user.name)
        with self._database.session(reads_first=True) as session:
            names = set(session.scalars(select(UserAccount.name)))
            if user.name in names:
                raise AlreadyExists(
                    f"there is a user {user.name!r} already", remedy=f"rider users password {user.name}"
                )
            if not names and user.role is not Role.ADMIN:
                raise Conflict(
                    "the first user must be an admin: nobody else could add others",
                    remedy=f"rider users add {user.name} --role admin",
                )
            if len(names) >= MAX_USERS:
                raise Conflict(f"there are {MAX_USERS} users, no more are taken", remedy="rider users remove NAME")
            session.add(UserAccount(**_columns(user)))

    def set_password(self, name: str, password_hash: str) -> None:
        """Raises `NotFound`."""
        with self._database.session(reads_first=True) as session:
            _change(session, name, password_hash=password_hash)

    def set_role(self, name: str, role: Role) -> None:
        """Raises `NotFound`, and `Conflict` where that is the last admin."""
        with self._database.session(reads_first=True) as session:
            if role is not Role.ADMIN:
                _check_other_admins(session, name)
            _change(session, name, role=role.value)

    def remove_user(self, name: str) -> None:
        """Remove a user; the tokens that they made stay.

        Raises:
            NotFound: there is no such user.
            Conflict: that is the last admin, and there are other users.
        """
        with self._database.session(reads_first=True) as session:
            if (session.scalar(select(func.count()).select_from(UserAccount)) or 0) > 1:
                _check_other_admins(session, name)
            removed = session.execute(delete(UserAccount).where(UserAccount.name == name).returning(UserAccount.name))
            if not removed.all():
                raise _no_user(name)

    def add_token(self, token: ApiToken) -> None:
        """Raises `InvalidInput` for a wrong name, and `Conflict` where there are `MAX_TOKENS`."""
        _check_name(token.name)
        with self._database.session(reads_first=True) as session:
            if (session.scalar(select(func.count()).select_from(ApiTokenRow)) or 0) >= MAX_TOKENS:
                raise Conflict(f"there are {MAX_TOKENS} tokens, no more are taken", remedy="rider tokens revoke ID")
            session.add(ApiTokenRow(**_columns(token)))

    def revoke_token(self, token_id: str) -> None:
        """Delete a token. Raises `NotFound`."""
        with self._database.session(reads_first=True) as session:
            removed = session.execute(delete(ApiTokenRow).where(ApiTokenRow.id == token_id).returning(ApiTokenRow.id))
            if not removed.all():
                raise NotFound(f"there is no token {token_id[:64]!r}", remedy="`rider tokens list` shows all")


def _change(session: Session, name: str, **values: str) -> None:
    changed = session.execute(
        update(UserAccount).where(UserAccount.name == name).values(**values).returning(UserAccount.name)
    )
    if not changed.all():
        raise _no_user(name)


def _check_other_admins(session: Session, name: str) -> None:
    """Raise `Conflict` where this is the last admin."""
    admins = list(
        session.scalars(select(UserAccount.name).where(UserAccount.role == Role.ADMIN.value).with_for_update())
    )
    if admins == [name]:
        raise Conflict(f"{name!r} is the last admin", remedy="make another one first: rider users role NAME admin")


def _columns(account: User | ApiToken) -> dict[str, Any]:
    return {**asdict(account), "role": account.role.value}


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidInput(
            f"{name[:64]!r} cannot be a name", remedy="use lower-case letters, digits, dots, dashes and underscores"
        )


def _no_user(name: str) -> NotFound:
    return NotFound(f"there is no user {name[:64]!r}", remedy="`rider users list` shows all")
