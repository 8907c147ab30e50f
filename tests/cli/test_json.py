"""What programs read: `--json` prints JSON and nothing else, whatever plugins say."""

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
#: A command, and what stands in it.
COMMANDS = {
    "config show": lambda told: told["web_port"] == 8000,
    "doctor": lambda told: "text_generation parrot" in [it["check"] for it in told],
    "models list": lambda told: [it["name"] for it in told] == ["small"],
    "plugins list": lambda told: {"parrot", "broken"} <= {it["name"] for it in told},
    "prompts list": lambda told: "companion" in [it["name"] for it in told],
    "schedule next 30,7,*,*,*": lambda told: len(told) == 5 and told[0]["ts"] < told[1]["ts"],
}


@pytest.fixture
def house(processes: Processes) -> Processes:
    install_plugin(processes.folder, "parrot", PLUGIN)
    install_plugin(processes.folder, "broken", 'raise RuntimeError("half \\ud83d of \\x1b[31m\\u202e")')
    assert processes.fork("rider_core.cli.main", "db", "upgrade", log="db").wait(60) == 0
    return processes


def told(house: Processes, log: str, *arguments: str, **environment: str) -> tuple[Any, str]:
    """What a program reads, and the text."""
    house.fork("rider_core.cli.main", *arguments, log=log, **environment).wait(60)
    return json.loads(house.log(log)), house.log(log)


def test_it_is_json_alone(house: Processes) -> None:
    for number, (command, holds) in enumerate(COMMANDS.items()):
        arguments = [word.replace(",", " ") for word in command.split()]
        found, text = told(house, f"json-{number}", *arguments, "--json")
        assert holds(found), command
        assert text.replace("\n", "").isprintable(), command


def test_rabbitmqs_variables_are_settings_too(house: Processes) -> None:
    given = {"RABBITMQ_HOST": "rabbit.example", "RABBITMQ_USER": "guest", "RABBITMQ_PASSWORD": "canary-5417"}
    settings, text = told(house, "json", "config", "show", "--json", **given)
    assert (settings["RABBITMQ_HOST"], settings["RABBITMQ_USER"], settings["RABBITMQ_PASSWORD"]) == (
        "rabbit.example",
        "guest",
        "***",
    )
    assert house.fork("rider_core.cli.main", "config", "show", log="table", **given).wait(60) == 0
    text += house.log("table")
    assert "RABBITMQ_PASSWORD" in house.log("table")
    assert "rabbit.example" in house.log("table")
    assert "canary" not in text


def test_what_a_plugin_says_steers_no_terminal(house: Processes) -> None:
    for command in ("plugins list", "plugins check", "doctor"):
        house.fork("rider_core.cli.main", *command.split(), log=command).wait(60)
        text = house.log(command)
        assert "RuntimeError" in text, command
        assert text.replace("\n", "").isprintable(), command
