"""The panel, the commands and the workers' queries on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from harness.postgresql import NEEDED, PostgresServer, postgres
from panel_harness import PanelHarness
from rest_harness import RestHarness, quickly

from rider_core.api.roles import Role
from rider_core.database.accounts import User
from rider_core.database.saved import saved_choices, saved_prompts
from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

__all__ = ["postgres"]

pytestmark = [NEEDED, pytest.mark.slow]


@pytest.fixture
def rest(panel: PanelHarness, postgres: PostgresServer) -> Iterator[RestHarness]:
    with closing(RestHarness(panel, postgres.new_database())) as rest:
        yield rest


def test_what_is_saved_is_there_for_all(rest: RestHarness, processes: Processes) -> None:
    rest.start()
    assert rest.ask("GET", "/status")["sections"]["database"]["problem"] == ""
    rest.ask("PATCH", "/providers/echo-text", json={"enabled": False})
    rest.ask("PUT", "/prompts/robot/pl", json={"text": "Mów krótko."})
    assert saved_choices(rest.database_url)["echo-text"].enabled is False
    assert saved_prompts(rest.database_url) == {"robot": {"pl": "Mów krótko."}}
    processes.environment.update(DATABASE_URL=rest.database_url, RIDER_PLUGINS_DISABLED="")
    enable = processes.fork("rider_core.cli.main", "providers", "enable", "echo-text", log="enable")
    assert enable.wait(30) == 0, processes.log("enable")
    wait_until(lambda: rest.ask("GET", "/providers/echo-text")["enabled"], what="the panel reads the choices again")
    assert [it["action"] for it in rest.ask("GET", "/audit")["entries"]] == ["put_prompt", "choose_provider"]


def test_people_sign_in(rest: RestHarness) -> None:
    rest.accounts.add_user(User("ola", Role.ADMIN, quickly.hash("open sesame"), time.time()))
    rest.start()
    assert rest.problem("POST", "/session", 401, json={"user": "ola", "password": "guess"})[0] == "wrong_password"
    session = rest.ask("POST", "/session", json={"user": "ola", "password": "open sesame"})
    assert (session["user"], session["role"]) == ("ola", "admin")
