"""`rider redis`: the embedded Valkey, as a process that supervisord starts."""

from __future__ import annotations

import click

from rider_core.config import load_settings
from rider_core.metrics.definitions import outlive_exec
from rider_core.runtime.data_folder import make_data_folder, set_private_umask
from rider_core.runtime.process import die_with_supervisor
from rider_core.runtime.redis_server import exec_server


@click.command(hidden=True)
def redis() -> None:
    """Run the embedded Valkey."""
    settings = load_settings()
    die_with_supervisor()
    set_private_umask()
    make_data_folder(settings.data_dir)
    outlive_exec()
    exec_server(settings)
