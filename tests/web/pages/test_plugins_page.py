"""The page of the plugins: what each registers, installing one, a broken one that is undone, and safe mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import NEEDED
from harness.plugin_environment import GOOD_PLUGIN, PluginEnvironment
from page_stack import press
from panel_harness import PanelHarness
from playwright.sync_api import Page, expect

from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey

pytestmark = [pytest.mark.acceptance, NEEDED]

#: A plugin with a page, two cards, and another page that leads nowhere.
SHOWN_PLUGIN = """
from flask import Blueprint
from rider_core.api import CardContent, CardRow, PanelCard, PanelPage, hookimpl
RIDER_API = "1.0"
routes = Blueprint("arm", __name__)
@routes.get("/arm")
def arm():
    return "<!doctype html><title>Arm</title><h1>The arm</h1><script>document.title = 'ran'</script>"
@routes.get("/arm/card.json")
def card():
    rows = CardRow(name="<b>grip</b>", value="open", tone="good"), CardRow(name="angle", value="30 degrees")
    return CardContent(rows=rows).model_dump()
@routes.get("/arm/broken.json")
def broken():
    return "<p>no JSON</p>"
@hookimpl
def register_routes(register):
    register(routes)
@hookimpl
def register_pages(register):
    register(PanelPage(title="Arm", path="/arm"))
    register(PanelPage(title="Nowhere", path="/nowhere"))
    register(PanelPage(title="Fake", path="/system"))
    register(PanelCard(title="The arm now", path="/arm/card.json"))
    register(PanelCard(title="Broken", path="/arm/broken.json"))
"""
#: Maximum duration of a change on a busy machine, in ms.
CHANGE_MS = 60_000


@pytest.fixture(params=["eventlet", "threading"])
def panel(request: pytest.FixtureRequest, processes: Processes, valkey: Valkey) -> Iterator[PanelHarness]:
    """A panel of the test's own: its environment changes."""
    panel = PanelHarness(processes, valkey, request.param)
    yield panel
    panel.connection.close()


def change(page: Page, action: str, package: str, proof: str) -> None:
    """Confirm by typing `proof` into the dialogue's only field, and wait for the end."""
    press(page.locator(".card-installation .rows > li").filter(has_text=package), action)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").or_(dialog.locator("input")).first.fill(proof)
    press(dialog, action)
    expect(page.locator(".plugin-change strong")).to_have_text(f"{action} {package}")


def test_a_plugin_is_installed_and_a_broken_one_undone(panel: PanelHarness, page: Page, tmp_path: Path) -> None:
    environment = PluginEnvironment(tmp_path)
    environment.use(panel.processes)
    environment.publish("rider-good", GOOD_PLUGIN)
    environment.publish("rider-bad", "raise RuntimeError('no engine')")
    settings = {"RIDER_PLUGINS_INSTALLABLE": "rider-good,rider-bad"}
    signs_in = panel.mode == "threading"
    panel.start(**settings, **({"RIDER_WEB_PASSWORD": "open sesame"} if signs_in else {}))
    page.goto(f"{panel.url}/plugins")
    if signs_in:
        page.get_by_label("Name").fill("rider")
        page.get_by_label("Password").fill("open sesame")
        page.keyboard.press("Enter")
    change(page, "Install", "rider-good", "open sesame" if signs_in else "rider-good")
    state, shown = page.locator(".plugin-change .pill"), page.locator(".plugins-page > [role=status]")
    expect(state).to_have_text("done", timeout=CHANGE_MS)
    expect(shown).to_contain_text("Other plugins are installed than are running: rider-good is new")
    expect(shown).to_contain_text("Stop rider up and start it again")
    change(page, "Install", "rider-bad", "open sesame" if signs_in else "rider-bad")
    expect(state).to_have_text("failed", timeout=CHANGE_MS)
    expect(page.locator(".plugin-change")).to_contain_text("plugin rider-bad: RuntimeError: no engine")
    expect(page.locator(".plugin-change pre")).to_contain_text("undoing")
    expect(page.locator(".card-installation .rows > li").filter(has_text="rider-bad")).to_contain_text("not installed")
    assert environment.installed() == {"rider-good"}


@pytest.mark.parametrize("panel", ["eventlet"], indirect=True)
def test_a_wrong_confirmation_changes_nothing(panel: PanelHarness, page: Page) -> None:
    panel.start(RIDER_PLUGINS_INSTALLABLE="rider-good")
    page.goto(f"{panel.url}/plugins")
    press(page.locator(".card-installation li"), "Install")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type rider-good to confirm").fill("rider-bad")
    press(dialog, "Install")
    expect(dialog.get_by_role("alert")).to_contain_text("the confirmation must be 'rider-good'")
    press(dialog, "Cancel")
    expect(page.locator(".plugin-change")).to_have_count(0)


@pytest.mark.parametrize("panel", ["eventlet"], indirect=True)
def test_safe_mode_is_told_and_how_to_leave_it(panel: PanelHarness, page: Page) -> None:
    panel.start(RIDER_SAFE_MODE="true")
    page.goto(panel.url)
    expect(page.locator(".concerns")).to_contain_text("Safe mode: no plugin is loaded")
    page.goto(f"{panel.url}/plugins")
    expect(page.locator(".plugins-page > [role=status]")).to_contain_text("start again with rider up alone")
    expect(page.locator(".card-start-help")).to_contain_text("rider up --safe-mode")
    expect(page.locator(".card-installation")).to_contain_text("RIDER_PLUGINS_INSTALLABLE=")
    expect(page.locator(".plugin-list .pill.good")).to_have_count(0)


def test_a_plugin_has_a_page_in_the_menu_and_cards(panel: PanelHarness, page: Page) -> None:
    install_plugin(panel.processes.folder, "arm", SHOWN_PLUGIN)
    panel.start()
    page.goto(panel.url)
    rows = page.locator(".card-plugin-arm-card-json .rows li")
    expect(rows).to_have_text(["<b>grip</b>open", "angle30 degrees"])
    expect(rows.first.locator(".pill.good")).to_have_text("open")
    expect(page.locator(".card-plugin-arm-broken-json .problem")).to_have_text("The plugin's answer has no rows.")
    menu = page.get_by_role("navigation", name="Pages")
    expect(menu.get_by_role("link", name="Nowhere")).to_have_count(0)
    expect(menu.get_by_role("link", name="Fake")).to_have_count(0)
    page.goto(f"{panel.url}/plugins")
    row = page.locator(".plugin-list li").filter(has_text="arm").first
    expect(row).to_contain_text("its page /system is no route of its blueprint")
    expect(row).to_contain_text("pages in the menu /arm")
    address = menu.get_by_role("link", name="Arm").get_attribute("href")
    answer = page.request.get(panel.url + str(address))
    assert "The arm" in answer.text()
    assert "script-src 'self'" in answer.headers["content-security-policy"], "its inline script does not run"
