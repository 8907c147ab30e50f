"""The dashboards' files: made by their script, of current panel types, each panel with what it needs to be read."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from expressions import CONTRIB, DASHBOARDS, panels_of

pytestmark = pytest.mark.acceptance

#: Panel types of Grafana 11 and newer, without Angular's (graph, singlestat, table-old).
CURRENT = {"timeseries", "stat", "state-timeline", "bargauge", "row"}
FILES = sorted(DASHBOARDS.glob("*.json"))
ALERTS = {
    rule["alert"].lower()
    for group in yaml.safe_load((CONTRIB / "prometheus" / "alerts.rules.yml").read_text())["groups"]
    for rule in group["rules"]
}
PANELS = [pytest.param(panel, id=f"{file.stem}: {panel['title']}") for file in FILES for panel in panels_of(file)]


def test_the_files_are_what_the_script_writes() -> None:
    assert find_spec("grafana_foundation_sdk"), "pip install 'grafana-foundation-sdk==1769699379!11.6.0'"
    program = "import build, json; print(json.dumps(build.dashboards()))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=CONTRIB / "grafana", capture_output=True, text=True, check=True
    )
    made = json.loads(run.stdout)
    assert made.keys() == {file.name for file in FILES}
    for file in FILES:
        assert file.read_text() == made[file.name], f"python contrib/grafana/build.py writes another {file.name}"


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_can_be_read(panel: dict[str, Any]) -> None:
    assert panel["type"] in CURRENT
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    settings = panel["fieldConfig"]["defaults"]
    assert settings.get("unit") or settings.get("mappings")
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["legendFormat"]
        assert '$instance"' in target["expr"] or "$instance" in target["expr"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panels_link_leads_to_an_alert(panel: dict[str, Any]) -> None:
    for link in panel.get("links", []):
        page, _, anchor = link["url"].partition("#")
        assert page == "${runbooks}"
        assert anchor in ALERTS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_has_its_variables_and_no_overlap(file: Path) -> None:
    board = json.loads(file.read_text())
    assert [it["name"] for it in board["templating"]["list"]] == [
        "datasource",
        "instance",
        "queue",
        "task",
        "provider",
        "runbooks",
    ]
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_most_alerts_have_a_panel() -> None:
    linked = {
        link["url"].partition("#")[2] for file in FILES for panel in panels_of(file) for link in panel.get("links", [])
    }
    assert linked == ALERTS
