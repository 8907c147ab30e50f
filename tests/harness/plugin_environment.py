"""A Python environment in which a test may install and remove packages, and its package index: a folder of wheels."""

from __future__ import annotations

import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

from rider_core.testing.processes import Processes
from rider_core.testing.wheels import write_wheel

#: A plugin that brings one of each kind that needs no engine.
GOOD_PLUGIN = """
import click
from flask import Blueprint
from rider_core.api import Health, SpeechToText, hookimpl
RIDER_API = "1.0"
page = Blueprint("good_page", __name__)
class Ear(SpeechToText):
    name = "good-ear"
    mock = True
    def transcribe_batch(self, clips, language):
        raise NotImplementedError
@hookimpl
def register_providers(register):
    register(Ear)
@hookimpl
def register_routes(register):
    register(page)
@hookimpl
def register_health_checks(register):
    register("good-check", Health.ok)
@hookimpl
def register_commands(cli):
    @cli.command("good-command")
    def good_command():
        pass
@hookimpl
def on_event(event):
    pass
"""


class PluginEnvironment:
    """Sees the packages of the test run, has none of its own at first, and installs from `index` alone."""

    def __init__(self, folder: Path) -> None:
        self.index = folder / "index"
        self.index.mkdir()
        venv.create(folder / "venv", symlinks=True)
        self.python = folder / "venv" / "bin" / "python"
        self.packages = next((folder / "venv").glob("lib/python*/site-packages"))
        # As a folder of packages, so that what is installed editable there is found, too.
        lines = [f"import site; site.addsitedir({path!r})\n" for path in sys.path if "site-packages" in path]
        (self.packages / "test-run.pth").write_text("".join(lines))

    def use(self, processes: Processes) -> None:
        """Run what these processes start in this environment, without a network."""
        processes.python = str(self.python)
        processes.environment.update(
            PIP_NO_INDEX="1",
            PIP_FIND_LINKS=str(self.index),
            PIP_CONFIG_FILE="/dev/null",
            UV_NO_INDEX="1",
            UV_FIND_LINKS=str(self.index),
            UV_NO_CONFIG="1",
        )

    def publish(self, name: str, source: str, *, plugin: bool = True, requires: tuple[str, ...] = ()) -> None:
        """Put a wheel of version 1.0 into the index; `plugin`: it has an entry point of its own name."""
        write_wheel(self.index, name, source, plugin=plugin, requires=requires)

    def installed(self) -> set[str]:
        """Names of the packages that this environment has for itself."""
        return {package.metadata["Name"] for package in distributions(path=[str(self.packages)])}
