"""`rider fork-server`: the workers, the scheduler and the link of one `rider up`, as forks of one process."""

from __future__ import annotations

import os
from importlib import import_module

import click

from rider_core.cli.main import run_command
from rider_core.config import load_settings
from rider_core.runtime.data_folder import set_private_umask
from rider_core.runtime.fork_server import ForkServer
from rider_core.runtime.process import die_with_supervisor, set_up_logging
from rider_core.runtime.supervision import programs


@click.command(hidden=True)
def fork_server() -> None:
    """Run the processes of `rider up` that are forked."""
    settings = load_settings()
    set_up_logging("forks", settings.log_level, settings.log_format)
    die_with_supervisor()
    set_private_umask()
    # NumPy, which comes with the link, would start a thread for each core: threads are lost in a fork.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    forked = [program for program in programs(settings) if program.forked]
    for command in {program.arguments.split()[0] for program in forked}:
        import_module(f"rider_core.cli.{command}")
    ForkServer(forked, run_command).run()
