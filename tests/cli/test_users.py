"""`rider users` and `rider tokens`, as people call them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from rider_core.cli.main import run_command
from rider_core.database.accounts import read_tokens, read_users
from rider_core.runtime.api_tokens import is_secret_of
from rider_core.runtime.passwords import is_password
from rider_core.testing.processes import Processes


@pytest.fixture
def url(processes: Processes) -> str:
    url = f"sqlite:///{processes.folder / 'rider.db'}"
    processes.environment["DATABASE_URL"] = url
    return url


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    stdout: str
    stderr: str


def rider(processes: Processes, *arguments: str, typed: str = "", status: int = 0) -> Done:
    """`rider ARGUMENTS` in this process, with all that a process of its own would print."""
    with CliRunner().isolation(typed, processes.environment) as (stdout, stderr, _both):
        with pytest.raises(SystemExit) as end:
            run_command(list(arguments))
        done = Done(stdout.getvalue().decode(), stderr.getvalue().decode())
    assert (end.value.code or 0) == status, done
    return done


def test_a_user_from_the_first_day_to_the_last(processes: Processes, url: str) -> None:
    assert "rider users add" in rider(processes, "users", "list").stdout
    first = rider(processes, "users", "add", "ola", typed="zażółć gęślą\n", status=1)
    assert "the first user must be an admin" in first.stderr
    assert "rider users add ola --role admin" in first.stderr
    rider(processes, "users", "add", "anna", "--role", "admin", typed="zażółć gęślą\n")
    added = rider(processes, "users", "add", "ola", typed="zażółć gęślą\n")
    assert "with the role operate" in added.stdout
    assert "'anna' is the last admin" in rider(processes, "users", "remove", "anna", status=1).stderr
    (_anna, user) = read_users(url)
    assert is_password(user.password_hash, "zażółć gęślą")
    assert not is_password(user.password_hash, "zażółć")
    assert (
        "there is a user 'ola' already" in rider(processes, "users", "add", "ola", typed="jaźń jaźń\n", status=1).stderr
    )
    rider(processes, "users", "role", "ola", "admin")
    rider(processes, "users", "password", "ola", typed="jaźń jaźń\n")
    (_anna, user) = read_users(url)
    assert (user.role.value, is_password(user.password_hash, "jaźń jaźń")) == ("admin", True)
    assert json.loads(rider(processes, "users", "list", "--json").stdout)[1]["name"] == "ola"
    rider(processes, "users", "remove", "ola")
    for command in (("remove", "ola"), ("role", "ola", "read")):
        assert "there is no user 'ola'" in rider(processes, "users", *command, status=1).stderr


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [("ola", "short", "a password of 5 characters"), ("Ola Ż", "long enough", "cannot be a name")],
)
def test_wrong_users(processes: Processes, url: str, name: str, password: str, sentence: str) -> None:
    assert sentence in rider(processes, "users", "add", name, "--role", "admin", typed=f"{password}\n", status=1).stderr
    assert read_users(url) == []


def test_a_token_is_shown_once(processes: Processes, url: str) -> None:
    assert "rider tokens new" in rider(processes, "tokens", "list").stdout
    text = rider(processes, "tokens", "new", "grafana", "--for", "90d").stdout.strip()
    assert re.fullmatch("rider_[0-9a-f]{12}_[0-9a-f]{40}", text)
    (token,) = read_tokens(url)
    assert is_secret_of(token, text)
    assert (token.name, token.role.value) == ("grafana", "read")
    assert token.expires_ts is not None
    assert 0 < token.expires_ts - token.created_ts - 90 * 86_400 + 1 < 2
    assert text.rpartition("_")[2] not in rider(processes, "tokens", "list").stdout
    assert json.loads(rider(processes, "tokens", "list", "--json").stdout)[0]["id"] == token.id
    rider(processes, "tokens", "revoke", token.id)
    assert "there is no token" in rider(processes, "tokens", "revoke", token.id, status=1).stderr
