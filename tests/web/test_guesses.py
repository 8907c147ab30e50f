"""Wrong passwords are counted before they are checked, so that many that come together do not pass together."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rider_core.api.roles import Role
from rider_core.config import Settings
from rider_core.database import Database
from rider_core.database.account_store import AccountStore
from rider_core.database.accounts import User
from rider_core.web.access import authenticator
from rider_core.web.access.credentials import Credentials
from rider_core.web.access.guesses import BURST, Guesses, TooManyGuesses


def test_as_many_are_checked_as_are_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'rider.db'}"
    database = Database(url)
    database.upgrade()
    AccountStore(database).add_user(User("ola", Role.ADMIN, "a hash", time.time()))
    database.close()
    checked: list[str] = []

    def check(_password_hash: str, password: str) -> bool:
        checked.append(password)
        return password == "right"

    monkeypatch.setattr(authenticator, "is_password", check)
    users, guesses = authenticator.Authenticator(Settings(database_url=url)), Guesses()
    attempts = [guesses.attempt("192.168.1.9", "ola") for _ in range(3 * BURST)]  # none of them is counted yet
    refused = 0
    for number, attempt in enumerate(attempts):
        try:
            assert users.by_credentials(Credentials("ola", f"guess {number}"), attempt, accepts_key=False) is None
        except TooManyGuesses:
            refused += 1
    assert (len(checked), refused) == (BURST, 2 * BURST)
    with pytest.raises(TooManyGuesses):
        guesses.attempt("192.168.1.9", "ola")
    guesses.attempt("192.168.1.9", "jan")
    guesses.attempt("192.168.1.8", "ola")


def test_a_right_password_costs_nothing() -> None:
    guesses = Guesses()
    for _ in range(5 * BURST):
        attempt = guesses.attempt("192.168.1.9", "ola")
        attempt.count()
        attempt.count()  # once is enough
        attempt.forgive()
    guesses.attempt("192.168.1.9", "ola")
