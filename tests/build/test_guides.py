"""The guides in both languages: the same pages, settings and commands, and commands that exist."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import click
import pytest

from rider_core.cli.main import cli
from rider_core.config import Settings, variables_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("en", "pl")
PAGES = sorted(file.name for file in (DOCS / "en").glob("*.md"))
#: Commands that no test runs, and why. `rider ...` and files of ours are checked below and run by tests of their own.
NOT_RUN = {
    "sudo": "changes this machine",
    "docker": "needs a container engine; test_recipes.py reads the file",
    "curl": "asks a running panel; tests/web asks the same addresses",
    "pip": "test environments install the same extras and packages",
    "python": "test_dashboards.py runs the script",
    "printf": "is part of the line with sudo",
}


def text(language: str, page: str) -> str:
    return (DOCS / language / page).read_text()


def commands(language: str, page: str) -> list[str]:
    """The lines of code blocks that are commands, without comments."""
    lines = re.findall(r"^    (\S.*)$", text(language, page), re.MULTILINE)
    plain = [re.sub(r"\s+#.*$", "", line) for line in lines]
    return [line for line in plain if not re.match(r"([A-Z_]+=\S*$|\w+:)", line)]


def test_both_languages_have_the_same_pages() -> None:
    assert sorted(file.name for file in (DOCS / "pl").glob("*.md")) == PAGES
    for language in LANGUAGES:
        project = tomllib.loads((DOCS / f"zensical.{language}.toml").read_text())["project"]
        assert project["theme"]["language"] == project["docs_dir"] == language
        assert sorted(page for entry in project["nav"] for page in entry.values()) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_commands(page: str) -> None:
    assert commands("en", page) == commands("pl", page)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists_or_says_why_it_is_not_run(page: str) -> None:
    for line in commands("en", page):
        words = [word for word in shlex.split(line.partition("|")[0].partition(">")[0]) if "=" not in word[:40]]
        if words[0] == "rider":
            assert_exists(words[1:])
        elif words[0].startswith("contrib/"):
            assert (ROOT / words[0]).exists(), line
        else:
            assert words[0] in NOT_RUN, line
        for file in re.findall(r"contrib/[\w./-]+\w", line):
            assert (ROOT / file).exists(), line


def assert_exists(words: list[str]) -> None:
    """That `rider` has this command with these options."""
    found: click.Command | None = cli
    while isinstance(found, click.Group) and words and not words[0].startswith("--"):
        found = found.get_command(click.Context(found), words.pop(0))
    assert found is not None
    options = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_settings_page_has_every_variable_and_no_other(language: str) -> None:
    named = re.findall(
        r"`([A-Z][A-Z_]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", text(language, "settings.md"), re.M))
    )
    ours = [name for name in named if not name.startswith("RABBITMQ_")]
    shown = [name for setting in Settings.model_fields for name in variables_of(setting) if name in ours]
    assert sorted(ours) == sorted(shown)
    for setting in Settings.model_fields:
        assert set(variables_of(setting)) & set(ours), setting


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_defaults_on_the_page_are_those_of_the_model(language: str) -> None:
    for name, info in Settings.model_fields.items():
        if info.default_factory is not None or info.default in (None, (), {}):
            continue
        default = str(info.default).lower() if isinstance(info.default, bool) else str(info.default)
        rows = [row for row in text(language, "settings.md").splitlines() if f"`{variables_of(name)[-1]}`" in row]
        assert any(f"| `{default}` |" in row for row in rows), name
