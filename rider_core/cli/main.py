"""`rider` itself: finds the command, sets up logging, and turns our errors into sentences."""

from __future__ import annotations

import sys

import click

from rider_core import __version__
from rider_core.cli import config, db, doctor, models, plugins, processes, run, up
from rider_core.config import load_settings
from rider_core.errors import RiderError
from rider_core.runtime.process import set_up_logging
from rider_core.runtime.services import load_plugins


class RiderGroup(click.Group):
    """Our own commands, and behind them those of plugins, which are loaded only when somebody asks for them."""

    _plugins_asked = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._ask_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is None:
            self._ask_plugins()
            command = super().get_command(ctx, cmd_name)
        return command

    def _ask_plugins(self) -> None:
        if not self._plugins_asked:
            self._plugins_asked = True
            load_plugins(load_settings()).notify("register_commands", cli=self)


@click.group(cls=RiderGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rider")
def cli() -> None:
    """The big brain of a small robot: voice, vision and text on a PC beside a Rider-Pi."""
    set_up_logging("cli", "error")


for command in (
    up.up,
    processes.web,
    processes.worker,
    processes.link,
    processes.simulate,
    processes.redis,
    processes.announce,
    plugins.plugins,
    models.models,
    db.db,
    run.run,
    config.config,
    doctor.doctor,
):
    cli.add_command(command)


def main() -> None:
    try:
        cli()
    except RiderError as error:
        click.secho(f"Error: {error.message}", fg="red", err=True)
        if error.remedy:
            click.echo(f"What to do: {error.remedy}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
