"""Rules and dashboards ask only for metrics that are declared, or recorded, with labels that these have."""

from __future__ import annotations

import re

import expressions
import pytest
import yaml

from rider_core.metrics.families import FAMILIES

pytestmark = pytest.mark.acceptance

#: Of prometheus-flask-exporter.
REQUESTS = {"rider_web_http_request_duration_seconds_bucket"}
RECORDED = {
    rule["record"]
    for file in expressions.RULES
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "record" in rule
}
#: What a scrape adds, and the bucket's bound.
SCRAPED = {"instance", "job", "le"}


def names() -> set[str]:
    """Names that a query may have."""
    found = set(REQUESTS | RECORDED)
    for family in FAMILIES.values():
        parts = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
        found |= {family.name + part for part in parts}
    return found


def test_rules_and_dashboards_ask_for_metrics_that_exist() -> None:
    known = names()
    for it in (*expressions.of_dashboards(), *expressions.of_rules(), *expressions.of_conditions()):
        asked = set(re.findall(r"[a-z_]*(?::[a-z_]+)?:?rider_[a-z_]+(?::\w+)?", it.text))
        assert asked or it.text.startswith("up{"), it.where  # Prometheus's own
        assert asked <= known, f"{it.where}: {asked - known}"


def test_every_recorded_rule_is_used_twice() -> None:
    everything = [*expressions.of_dashboards(), *expressions.of_conditions()]
    for name in RECORDED:
        users = [it.where for it in everything if name in it.text]
        assert len(users) >= 2, f"{name}: {users}"


def test_selectors_have_labels_of_their_metric() -> None:
    labels = {name: set(family.labels) for name, family in FAMILIES.items()}
    for it in (*expressions.of_dashboards(), *expressions.of_conditions()):
        for name, selector in re.findall(r"\b(rider_[a-z_]+)\{([^}]*)\}", it.text):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            if base not in labels:
                continue
            used = set(re.findall(r"(\w+)(?:=~|=|!=|!~)", selector))
            assert used <= labels[base] | SCRAPED, f"{it.where}: {name} has no {used - labels[base] - SCRAPED}"
