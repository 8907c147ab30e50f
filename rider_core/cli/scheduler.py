"""`rider scheduler`: the process that submits the jobs of schedules when they are due."""

from __future__ import annotations

import signal

import click

from rider_core.cli.process_start import start_process
from rider_core.eventbus import EventBus
from rider_core.jobs.schedules import DueStore, Scheduler
from rider_core.runtime.job_backend import open_backend
from rider_core.runtime.process import StatusReporter
from rider_core.runtime.redis_connection import connect


@click.command()
def scheduler() -> None:
    """Submit the jobs of schedules (`rider schedule`) when they are due. One process is enough, several may run."""
    # Not `Services`: that loads every plugin, and the scheduler needs no provider.
    settings = start_process("scheduler")
    connection = connect(settings.redis_location)
    backend = open_backend(settings, connection)
    process = Scheduler(DueStore(connection), backend)
    reporter = StatusReporter(EventBus(connection, "scheduler"), process.describe)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: process.stop())
    reporter.start()
    try:
        process.run()
    finally:
        reporter.stop()
        backend.close()
        connection.close()
