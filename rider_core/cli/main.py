"""`rider` itself: finds the command, sets up logging, and turns our errors into sentences."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from rider_core import __version__
from rider_core.config import load_settings, unknown_variables
from rider_core.errors import RiderError
from rider_core.interrupted import Interrupted
from rider_core.printable import printable_lines, without_passwords
from rider_core.runtime.process import SUPERVISOR_VARIABLE, set_up_logging

if TYPE_CHECKING:
    from rider_core.api.provider import ProviderConfig

#: Each command is the function of that name in the module of that name. Only the requested one is imported: Each
#: process of `rider up` would otherwise load the imports of all.
COMMANDS = (
    "up", "web", "worker", "scheduler", "link", "simulate", "robot", "run", "queue", "schedule", "plugins", "providers",
    "models", "prompts", "users", "tokens", "db", "backup", "config", "doctor", "support", "completion",
)  # fmt: skip
#: Exit status after Ctrl-C, as in shells: 128 and the signal's number.
INTERRUPTED = 130
HIDDEN_COMMANDS = ("redis", "fork-server", "announce")


class RiderGroup(click.Group):
    """Our own commands and those of plugins. Plugins are loaded only if the command is not one of ours."""

    _plugins_loaded = False

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(err=True)
            sys.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load_plugin_commands()
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS or cmd_name in HIDDEN_COMMANDS:
            name = cmd_name.replace("-", "_")
            command: click.Command = getattr(import_module(f"rider_core.cli.{name}"), name)
            return command
        self._load_plugin_commands()
        return super().get_command(ctx, cmd_name)

    def _load_plugin_commands(self) -> None:
        if not self._plugins_loaded:
            self._plugins_loaded = True
            plugins = import_module("rider_core.runtime.plugins").load_plugins(load_settings())
            plugins.notify("register_commands", cli=self, provider_config=_provider_config)


def _provider_config(name: str) -> ProviderConfig:
    services = import_module("rider_core.runtime.services").Services.open(load_settings(), role="cli")
    try:
        config: ProviderConfig = services.provider_config(name)
        return config
    finally:
        services.close()


@click.group(cls=RiderGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rider")
def cli() -> None:
    """The big brain of a small robot: voice, vision and text on a PC beside a Rider-Pi."""
    set_up_logging("cli", "error")
    if SUPERVISOR_VARIABLE not in os.environ:  # `rider up` has printed them for all of its processes
        for sentence in unknown_variables():
            click.secho(sentence, fg="yellow", err=True)


def _interrupt(_number: int, _frame: object) -> None:
    raise Interrupted


def main() -> None:
    signal.signal(signal.SIGINT, _interrupt)
    # A terminal's encoding may lack a character (Latin-2 has no ellipsis), and a folder's name may not be UTF-8.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    run_command()


def run_command(arguments: list[str] | None = None) -> None:
    """Run a command, by default that of the command line, and end the process; errors are shown as sentences."""
    try:
        cli(arguments, prog_name="rider")
    except RiderError as error:
        click.secho(f"Error: {printable_lines(without_passwords(error.message))}", fg="red", err=True)
        if error.remedy:
            click.echo(f"What to do: {printable_lines(without_passwords(error.remedy))}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" at {printable_lines(str(error.filename))}" if error.filename else ""
        click.secho(f"Error: the disk is full{where}: {error.strerror}", fg="red", err=True)
        click.echo("What to do: free some space there; `rider doctor` shows where the data is", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
