"""`rider worker`: the same as `rq worker -w rider_core.worker.ProviderWorker`, with our settings."""

from __future__ import annotations

import os

import click

from rider_core.api.tasks import QUEUES
from rider_core.cli.process_start import start_process
from rider_core.errors import ConfigError
from rider_core.metrics.exposition import serve
from rider_core.runtime.redis_connection import connect
from rider_core.worker import ProviderWorker


@click.command()
@click.argument("queues", nargs=-1)
@click.option("--name", help="The worker's name; by default from machine and process.")
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    help="Serve the worker's metrics for Prometheus on this port: where it runs without `rider up`.",
)
@click.option("--metrics-address", default="127.0.0.1", show_default=True, help="The address of that port.")
@click.option("--burst", is_flag=True, help="Exit when no job waits.")
def worker(
    queues: tuple[str, ...], name: str | None, metrics_port: int | None, metrics_address: str, burst: bool
) -> None:
    """Run jobs of QUEUES (voice, vision, text), by default of all."""
    settings = start_process(name or "worker")
    if metrics_port is not None:
        _serve_metrics(metrics_port, metrics_address)
    connection = connect(settings.redis_location)
    full_name = f"{name}-{os.getpid()}" if name else None
    ProviderWorker(list(queues or QUEUES), name=full_name, connection=connection).work(
        burst=burst, logging_level=settings.log_level.upper()
    )


def _serve_metrics(port: int, address: str) -> None:
    try:
        serve(port, address)
    except OSError as error:
        raise ConfigError(
            f"the metrics cannot be served on {address}:{port}: {error.strerror}",
            remedy="end what listens there, or choose another --metrics-port",
        ) from error
