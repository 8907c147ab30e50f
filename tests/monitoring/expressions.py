"""Every expression of our dashboards and rules, with the dashboards' variables filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CONTRIB = Path(__file__).resolve().parents[2] / "contrib"
DASHBOARDS = CONTRIB / "grafana" / "dashboards"
RULES = [CONTRIB / "prometheus" / name for name in ("recording.rules.yml", "alerts.rules.yml")]
#: Grafana's variables; the range fits a scrape each second.
VARIABLES = {"__rate_interval": "20s", "__range": "5m"}


class Expression(NamedTuple):
    """
    Attributes:
        where: The file, with the panel's or rule's name.
        legend: The panel's text for each series, with `{{label}}`; empty for rules.
    """

    where: str
    text: str
    legend: str

    @property
    def labels(self) -> set[str]:
        """The labels that the legend shows."""
        return set(re.findall(r"\{\{(\w+)\}\}", self.legend))


def of_dashboards() -> Iterator[Expression]:
    for file in sorted(DASHBOARDS.glob("*.json")):
        for panel in panels_of(file):
            for target in panel.get("targets", ()):
                yield Expression(f"{file.stem}: {panel['title']}", filled(target["expr"]), target["legendFormat"])


def of_rules() -> Iterator[Expression]:
    """What is recorded."""
    for rule in _rules():
        if "record" in rule:
            yield Expression(rule["record"], rule["expr"], "")
            yield Expression(f"{rule['record']}, as it is recorded", rule["record"], "")


def of_conditions() -> Iterator[Expression]:
    """What the alerts compare with their thresholds: an alert's own expression has data in trouble only."""
    for rule in _rules():
        if "alert" in rule:
            compared = re.sub(r"(==|>=|<=|<|>)\s*[\d.]+", "", rule["expr"])
            yield Expression(rule["alert"], compared, "")


def _rules() -> Iterator[dict[str, Any]]:
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def filled(text: str) -> str:
    """An expression as Grafana sends it with "All" chosen in every variable."""
    for name, value in VARIABLES.items():
        text = text.replace(f"${name}", value)
    return re.sub(r"\$\w+", ".*", text)


def panels_of(file: Path) -> Iterator[dict[str, Any]]:
    """The panels of a dashboard, without its rows."""
    return _panels(json.loads(file.read_text())["panels"])


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield from _panels(panel.get("panels", [])) if panel["type"] == "row" else [panel]
