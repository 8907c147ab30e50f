"""`rider tokens`: keys with which programs come in to the panel."""

from __future__ import annotations

import getpass
import json
from datetime import datetime

import click
from rich.table import Table

from rider_core.api.roles import Role
from rider_core.cli.schedule import DURATION
from rider_core.cli.tables import print_table
from rider_core.cli.users import ROLE, account_store
from rider_core.config import load_settings
from rider_core.database.accounts import read_tokens
from rider_core.runtime.api_tokens import new_token

_TIME = "%Y-%m-%d %H:%M"


@click.group()
def tokens() -> None:
    """Keys with which programs come in to the panel."""


@tokens.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_tokens(as_json: bool) -> None:
    """Every token, without its secret part."""
    found = read_tokens(load_settings().database_location)
    if as_json:
        names = ("id", "name", "created_by", "created_ts", "expires_ts")
        click.echo(json.dumps([{name: getattr(it, name) for name in names} | {"role": it.role.value} for it in found]))
        return
    if not found:
        click.echo("there are no tokens; make one with: rider tokens new NAME")
        return
    table = Table("id", "token", "role", "made by", "since", "until")
    for token in found:
        until = "" if token.expires_ts is None else _time(token.expires_ts)
        style = "dim" if token.expired else None
        row = (token.id, token.name, token.role.value, token.created_by, _time(token.created_ts), until)
        table.add_row(*row, style=style)
    print_table(table)


@tokens.command()
@click.argument("name")
@click.option("--role", type=ROLE, default=Role.READ.value, show_default=True, help="What it may do.")
@click.option("--for", "lifetime_s", type=DURATION, help="How long it is valid: 90d, 12h. By default for ever.")
def new(name: str, role: str, lifetime_s: int | None) -> None:
    """Make a token, and print it: it is shown this once."""
    made = new_token(name, Role(role), getpass.getuser()[:64], lifetime_s)
    with account_store() as store:
        store.add_token(made.stored)
    click.echo(made.text)
    click.echo("Send it as: Authorization: Bearer TOKEN. It cannot be shown again.", err=True)


@tokens.command()
@click.argument("token_id", metavar="ID")
def revoke(token_id: str) -> None:
    """Revoke a token."""
    with account_store() as store:
        store.revoke_token(token_id)
    click.echo(f"token {token_id} is revoked")


def _time(ts: float) -> str:
    return datetime.fromtimestamp(ts).astimezone().strftime(_TIME)
