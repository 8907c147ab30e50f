"""`--json` prints JSON and nothing else, also with control characters in texts of plugins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rider_core.testing.processes import Processes, install_plugin

PLUGIN = """
from rider_core.api import Health, ModelEntry, TextGenerator, hookimpl
RIDER_API = "1.0"
class Parrot(TextGenerator):
    name = "parrot"
    def health(self):
        return Health.degraded("half \\ud83d of \\x1b[31m\\u202e an emoji")
    def generate_stream(self, request):
        yield request.prompt
@hookimpl
def register_providers(register):
    register(Parrot)
@hookimpl
def register_models(register):
    register(ModelEntry("small", "small.bin", "five \\x1b[31m bytes", "MIT", 5, "00" * 32, ()))
"""
#: A command, and a check of its JSON.
COMMANDS = {
    "config show": lambda found: found["web_port"] == 8000,
    "doctor": lambda found: "text_generation parrot" in [it["check"] for it in found],
    "models list": lambda found: [it["name"] for it in found] == ["small"],
    "plugins list": lambda found: {"parrot", "broken"} <= {it["name"] for it in found},
    "prompts list": lambda found: "companion" in [it["name"] for it in found],
    "schedule next 30,7,*,*,*": lambda found: len(found) == 5 and found[0]["ts"] < found[1]["ts"],
}


@pytest.fixture
def with_plugins(processes: Processes) -> Processes:
    install_plugin(processes.folder, "parrot", PLUGIN)
    install_plugin(processes.folder, "broken", 'raise RuntimeError("half \\ud83d of \\x1b[31m\\u202e")')
    assert processes.fork("rider_core.cli.main", "db", "upgrade", log="db").wait(60) == 0
    return processes


def read_json(with_plugins: Processes, log: str, *arguments: str, **environment: str) -> tuple[Any, str]:
    """The parsed output of a command, and its text."""
    with_plugins.fork("rider_core.cli.main", *arguments, log=log, **environment).wait(60)
    return json.loads(with_plugins.log(log)), with_plugins.log(log)


def test_it_is_json_alone(with_plugins: Processes) -> None:
    for number, (command, holds) in enumerate(COMMANDS.items()):
        arguments = [word.replace(",", " ") for word in command.split()]
        found, text = read_json(with_plugins, f"json-{number}", *arguments, "--json")
        assert holds(found), command
        assert text.replace("\n", "").isprintable(), command


def test_rabbitmqs_variables_are_settings_too(with_plugins: Processes) -> None:
    given = {"RABBITMQ_HOST": "rabbit.example", "RABBITMQ_USER": "guest", "RABBITMQ_PASSWORD": "canary-5417"}
    settings, text = read_json(with_plugins, "json", "config", "show", "--json", **given)
    assert (settings["RABBITMQ_HOST"], settings["RABBITMQ_USER"], settings["RABBITMQ_PASSWORD"]) == (
        "rabbit.example",
        "guest",
        "***",
    )
    assert with_plugins.fork("rider_core.cli.main", "config", "show", log="table", **given).wait(60) == 0
    text += with_plugins.log("table")
    assert "RABBITMQ_PASSWORD" in with_plugins.log("table")
    assert "rabbit.example" in with_plugins.log("table")
    assert "canary" not in text


def test_texts_of_plugins_have_no_control_characters(with_plugins: Processes) -> None:
    for command in ("plugins list", "plugins check", "doctor"):
        with_plugins.fork("rider_core.cli.main", *command.split(), log=command).wait(60)
        text = with_plugins.log(command)
        assert "RuntimeError" in text, command
        assert text.replace("\n", "").isprintable(), command
