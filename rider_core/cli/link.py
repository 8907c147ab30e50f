"""`rider link`: the link to the robot, as a process."""

from __future__ import annotations

import click

from rider_core.cli.process_start import start_process
from rider_core.errors import ConfigError
from rider_core.link_process.process import run_link


@click.command()
def link() -> None:
    """Connect to the robot at RIDER_PI_HOST, or to the simulated one."""
    settings = start_process("link")
    if not settings.has_robot:
        raise ConfigError("there is no robot to link to: RIDER_ROBOT is none", remedy="set it to real or simulated")
    run_link(settings)
