"""`rider link`: the link to the robot, as a process."""

from __future__ import annotations

import click

from rider_core.cli.begin import begin
from rider_core.cli.link_process import run_link


@click.command()
def link() -> None:
    """Connect to the robot at RIDER_PI_HOST, or to the simulated one."""
    run_link(begin("link"))
