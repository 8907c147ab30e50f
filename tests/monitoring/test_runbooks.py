"""The runbook has a section for each alert in both languages, with commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml
from expressions import CONTRIB

from rider_core.cli.main import cli

DOCS = Path(__file__).resolve().parents[2] / "docs"
RULES = yaml.safe_load((CONTRIB / "prometheus" / "alerts.rules.yml").read_text())["groups"][0]["rules"]
LANGUAGES = ("en", "pl")


def page(language: str) -> str:
    return (DOCS / language / "alerts.md").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_alert_has_its_section(language: str) -> None:
    sections = re.findall(r"^## (Rider\w+)$", page(language), re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_between_sections_lead_somewhere(language: str) -> None:
    for name, anchor in re.findall(r"\[(Rider\w+)\]\(#(\w+)\)", page(language)):
        assert anchor == name.lower()
        assert f"## {name}\n" in page(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_exist(language: str) -> None:
    commands = re.findall(r"`rider ([a-z][^`]*)`", page(language))
    assert commands
    for command in commands:
        words = command.split()
        found: click.Command | None = cli
        while isinstance(found, click.Group) and words:
            found = found.get_command(click.Context(found), words.pop(0))
        assert found is not None, command
        options = {option for parameter in found.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, command


def test_both_languages_name_the_same_commands_and_settings() -> None:
    def named(language: str) -> list[str]:
        return sorted(set(re.findall(r"`((?:rider |RIDER_)[^`]*)`", page(language))))

    assert named("en") == named("pl")
