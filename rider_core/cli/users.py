"""`rider users`: the people who may sign in to the panel."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

import click
from rich.table import Table

from rider_core.api.roles import Role
from rider_core.cli.tables import print_table
from rider_core.config import load_settings
from rider_core.database.accounts import User, read_users
from rider_core.runtime.passwords import MIN_LENGTH, hash_password

if TYPE_CHECKING:
    from rider_core.database.account_store import AccountStore

ROLE = click.Choice([role.value for role in Role])
_TIME = "%Y-%m-%d %H:%M"


@click.group()
def users() -> None:
    """People who may sign in to the panel."""


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_users(as_json: bool) -> None:
    """Every user with their role."""
    found = read_users(load_settings().database_location)
    if as_json:
        click.echo(json.dumps([{"name": it.name, "role": it.role.value, "created_ts": it.created_ts} for it in found]))
        return
    if not found:
        click.echo("there are no users; add one with: rider users add NAME --role admin")
        return
    table = Table("user", "role", "since")
    for user in found:
        table.add_row(user.name, user.role.value, datetime.fromtimestamp(user.created_ts).astimezone().strftime(_TIME))
    print_table(table)


@users.command()
@click.argument("name")
@click.option("--role", type=ROLE, default=Role.OPERATE.value, show_default=True, help="What they may do.")
def add(name: str, role: str) -> None:
    """Add a user. The password is asked for, or read from standard input."""
    password_hash = hash_password(_password())
    with account_store() as store:
        store.add_user(User(name, Role(role), password_hash, time.time()))
    click.echo(f"{name} may sign in, with the role {role}")


@users.command()
@click.argument("name")
def password(name: str) -> None:
    """Set a user's password; their sessions end."""
    password_hash = hash_password(_password())
    with account_store() as store:
        store.set_password(name, password_hash)
    click.echo(f"{name} has a new password")


@users.command("role")
@click.argument("name")
@click.argument("role", type=ROLE)
def set_role(name: str, role: str) -> None:
    """Set what a user may do: read, operate (and read) or admin (everything)."""
    with account_store() as store:
        store.set_role(name, Role(role))
    click.echo(f"{name} has the role {role}")


@users.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a user; their sessions end."""
    with account_store() as store:
        store.remove_user(name)
    click.echo(f"{name} is removed")


@contextmanager
def account_store() -> Iterator[AccountStore]:
    """The users and tokens of the database, which is migrated first: it may be the first command here."""
    database = import_module("rider_core.database.database").Database(load_settings().database_location)
    try:
        database.upgrade()
        yield import_module("rider_core.database.account_store").AccountStore(database)
    finally:
        database.close()


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    found: str = click.prompt(
        f"Password, at least {MIN_LENGTH} characters", hide_input=True, confirmation_prompt="The same again"
    )
    return found
