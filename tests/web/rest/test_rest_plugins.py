"""Plugins over HTTP: what each registers, and installing and removing one with a real installer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from harness.plugin_environment import GOOD_PLUGIN, PluginEnvironment
from rest_harness import RestHarness

from rider_core.api.roles import Role
from rider_core.database.accounts import User
from rider_core.runtime.api_tokens import new_token
from rider_core.runtime.passwords import hash_password
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.waiting import wait_until

# The installer is the same on every Python.
pytestmark = [pytest.mark.acceptance, pytest.mark.slow]

ALLOWED = "rider-good,rider-bad,rider-none,rider-needy,rider-absent,rider-slow"


@pytest.fixture
def environment(tmp_path: Path, processes: Processes) -> PluginEnvironment:
    environment = PluginEnvironment(tmp_path)
    environment.use(processes)
    environment.publish("rider-good", GOOD_PLUGIN)
    return environment


def body(action: str, package: str, **more: Any) -> dict[str, Any]:
    return {"action": action, "package": package, "confirmation": package, **more}


def ended(rest: RestHarness) -> dict[str, Any]:
    """The change, once it has ended."""
    answers: list[dict[str, Any]] = []

    def has_ended() -> bool:
        answers.append(rest.ask("GET", "/plugins/change"))
        return not answers[-1]["running"]

    wait_until(has_ended, timeout_s=90, what="the end of the change")
    return answers[-1]


def change(rest: RestHarness, action: str, package: str) -> dict[str, Any]:
    rest.ask("POST", "/plugins/change", 202, json=body(action, package))
    return ended(rest)


def test_what_each_plugin_registers(rest: RestHarness) -> None:
    install_plugin(rest.panel.processes.folder, "good", GOOD_PLUGIN)
    install_plugin(rest.panel.processes.folder, "broken", "raise RuntimeError('no engine')")
    rest.start()
    view = rest.ask("GET", "/plugins")
    plugins = {plugin["name"]: plugin for plugin in view["plugins"]}
    assert {(it["kind"], it["name"]) for it in plugins["good"]["registers"]} == {
        ("provider", "good-ear"),
        ("route", "good_page"),
        ("health check", "good-check"),
        ("command", "good-command"),
        ("hook", "on_event"),
    }
    assert plugins["broken"]["registers"] == []
    assert plugins["broken"]["traceback"].rstrip().endswith("RuntimeError: no engine")
    assert (view["safe_mode"], view["changed"], view["installable"]) == (False, [], [])


def test_nothing_is_installed_unless_a_setting_allows_it(rest: RestHarness, environment: PluginEnvironment) -> None:
    rest.start()
    answer = rest.answer("POST", "/plugins/change", 400, json=body("install", "rider-good"))
    assert answer.json()["code"] == "not_installable"
    assert "RIDER_PLUGINS_INSTALLABLE" in answer.json()["remedy"]
    assert rest.ask("GET", "/plugins/change")["change"] is None


def test_a_plugin_is_installed_and_removed(rest: RestHarness, environment: PluginEnvironment) -> None:
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED)
    wrong = body("install", "rider-good", confirmation="good")
    assert rest.problem("POST", "/plugins/change", 400, json=wrong)[0] == "not_confirmed"
    done = change(rest, "install", "rider-good")
    assert (done["change"]["phase"], done["change"]["by"]) == ("done", "local"), done
    assert (done["change"]["version"], done["change"]["plugins"]) == ("1.0", ["rider-good"])
    assert any("rider" in line and "good" in line for line in done["lines"])
    assert environment.installed() == {"rider-good"}
    view = rest.ask("GET", "/plugins")
    assert view["changed"] == [{"plugin": "rider-good", "kind": "added"}]
    assert {"name": "rider-good", "version": "1.0"} in view["installable"]
    assert rest.problem("POST", "/plugins/change", 409, json=body("install", "rider-good"))[0] == "already_exists"
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED)
    plugins = {plugin["name"]: plugin["state"] for plugin in rest.ask("GET", "/plugins")["plugins"]}
    assert plugins["rider-good"] == "loaded"
    done = change(rest, "remove", "Rider_Good")
    assert done["change"]["phase"] == "done", done
    assert environment.installed() == set()
    assert rest.ask("GET", "/plugins")["changed"] == [{"plugin": "rider-good", "kind": "removed"}]
    assert rest.problem("POST", "/plugins/change", 404, json=body("remove", "rider-good"))[0] == "not_found"
    entries = [it for it in rest.ask("GET", "/audit")["entries"] if it["action"] == "change_plugins"]
    assert [it["after"] for it in entries] == [
        {"action": "remove", "package": "rider-good"},
        {"action": "install", "package": "rider-good"},
    ]


#: Package to why it cannot be installed.
FAILURES = {
    "rider-bad": "plugin rider-bad: RuntimeError: no engine",
    "rider-none": "rider-none brings no plugin",
    "rider-needy": "it needs other versions of packages than those that are installed",
    "rider-absent": "the package index has no version of it for this Python and computer",
}


def test_what_does_not_work_is_undone(rest: RestHarness, environment: PluginEnvironment) -> None:
    environment.publish("rider-helper", "", plugin=False)
    environment.publish("rider-bad", "raise RuntimeError('no engine')", requires=("rider-helper",))
    environment.publish("rider-none", "", plugin=False)
    environment.publish("rider-needy", GOOD_PLUGIN, requires=("click<1",))
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED)
    for package, problem in FAILURES.items():
        done = change(rest, "install", package)
        assert (done["change"]["phase"], done["change"]["problem"]) == ("failed", problem), done
        assert done["change"]["remedy"]
        assert environment.installed() == set(), package
    assert rest.ask("GET", "/plugins")["changed"] == []


def test_a_removal_that_breaks_the_start_is_undone(rest: RestHarness, environment: PluginEnvironment) -> None:
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED)
    assert change(rest, "install", "rider-good")["change"]["phase"] == "done"
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED, RIDER_PLUGINS_REQUIRED="rider-good")
    done = change(rest, "remove", "rider-good")["change"]
    assert done["phase"] == "failed"
    assert "plugin 'rider-good' is required" in done["problem"]
    assert environment.installed() == {"rider-good"}
    assert rest.ask("GET", "/plugins")["changed"] == []


NO_NAMES = (
    "--index-url=http://evil",
    "-r",
    "rider-good==1.0",
    "rider-good; true",
    "../rider-good",
    "git+http://x",
    "a\nb",
)


def test_nothing_but_a_name_of_the_list_gets_through(rest: RestHarness, environment: PluginEnvironment) -> None:
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED)
    for name in NO_NAMES:
        assert rest.problem("POST", "/plugins/change", 400, json=body("install", name))[0] == "not_installable"
    assert rest.ask("GET", "/plugins/change")["change"] is None


def test_one_change_at_a_time(rest: RestHarness, environment: PluginEnvironment, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    environment.publish("rider-slow", f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(.01)")
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED)
    rest.ask("POST", "/plugins/change", 202, json=body("install", "rider-slow"))
    wait_until(lambda: environment.installed() == {"rider-slow"}, timeout_s=60, what="the check of the new plugin")
    code, detail = rest.problem("POST", "/plugins/change", 409, json=body("install", "rider-good"))
    assert (code, detail) == ("conflict", "'install rider-slow' is under way")
    began = time.monotonic()
    assert rest.ask("GET", "/plugins/change")["running"]
    assert time.monotonic() - began < 2, "the panel answers meanwhile"
    gate.touch()
    assert ended(rest)["change"]["phase"] == "failed", "it says no RIDER_API"


def test_the_password_is_asked_for_again(rest: RestHarness, environment: PluginEnvironment) -> None:
    rest.accounts.add_user(User("ola", Role.ADMIN, hash_password("open sesame"), time.time()))
    token = new_token("program", Role.ADMIN, "test", None)
    rest.accounts.add_token(token.stored)
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED)
    request = body("install", "rider-absent")
    rest.headers = {"Authorization": f"Bearer {token.text}"}
    assert rest.problem("POST", "/plugins/change", 403, json={**request, "password": "open sesame"})[0] == "forbidden"
    rest.headers = {}
    session = rest.ask("POST", "/session", json={"user": "ola", "password": "open sesame"})
    rest.headers = {"X-CSRF-Token": session["csrf"]}
    assert rest.problem("POST", "/plugins/change", 400, json=request)[0] == "not_confirmed"
    answer = rest.answer("POST", "/plugins/change", 400, json={**request, "password": "guess"})
    assert answer.json()["detail"] == "the password is wrong"
    assert rest.ask("GET", "/plugins/change")["change"] is None
    rest.ask("POST", "/plugins/change", 202, json={**request, "password": "open sesame"})
    assert ended(rest)["change"]["by"] == "ola"
    assert "open sesame" not in str(rest.ask("GET", "/audit"))


def test_a_change_whose_process_died_is_called_interrupted(rest: RestHarness, environment: PluginEnvironment) -> None:
    environment.publish("rider-slow", "import os, signal; os.kill(os.getppid(), signal.SIGKILL)")
    rest.start(RIDER_PLUGINS_INSTALLABLE=ALLOWED)
    view = change(rest, "install", "rider-slow")
    assert (view["interrupted"], view["change"]["phase"]) == (True, "checking")
