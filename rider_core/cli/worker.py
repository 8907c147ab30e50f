"""`rider worker`: the same as `rq worker -w rider_core.worker.ProviderWorker`, with our settings."""

from __future__ import annotations

import os

import click

from rider_core.api.tasks import QUEUES
from rider_core.cli.process_start import start_process
from rider_core.runtime.redis_connection import connect
from rider_core.worker import ProviderWorker


@click.command()
@click.argument("queues", nargs=-1)
@click.option("--name", help="The worker's name; by default from machine and process.")
@click.option("--burst", is_flag=True, help="Exit when no job waits.")
def worker(queues: tuple[str, ...], name: str | None, burst: bool) -> None:
    """Run jobs of QUEUES (voice, vision, text), by default of all."""
    settings = start_process(name or "worker")
    connection = connect(settings.redis_location)
    full_name = f"{name}-{os.getpid()}" if name else None
    ProviderWorker(list(queues or QUEUES), name=full_name, connection=connection).work(
        burst=burst, logging_level=settings.log_level.upper()
    )
