"""`rider up`: prepares everything, then becomes supervisord with all processes."""

from __future__ import annotations

import os
import sys

import click

from rider_core.api import openmp
from rider_core.cli.models import pull_with_progress, required_models
from rider_core.cli.ports import check_ports
from rider_core.config import Settings, load_settings, variables_of
from rider_core.errors import RiderError
from rider_core.runtime.data_folder import make_data_folder, require_free_space, set_private_umask
from rider_core.runtime.plugin_changes import record_plugins
from rider_core.runtime.process import SUPERVISOR_VARIABLE
from rider_core.runtime.redis_server import has_run_before
from rider_core.runtime.redis_server import write_configuration as write_redis_configuration
from rider_core.runtime.services import Services
from rider_core.runtime.supervision import acquire_up_lock, write_configuration

#: It counts more than `safe_mode` of the settings file.
SAFE_MODE_VARIABLE = variables_of("safe_mode")[0]


@click.command()
@click.option("--no-pull", is_flag=True, help="Do not fetch missing models.")
@click.option("--safe-mode", is_flag=True, help="Load no plugins: for when one of them breaks the start.")
def up(no_pull: bool, safe_mode: bool) -> None:
    """Start everything: Redis, workers, link, panel, and a simulated robot if RIDER_PI_HOST is not set."""
    if safe_mode:
        os.environ[SAFE_MODE_VARIABLE] = "true"  # of all processes that this one starts
    settings = load_settings()
    set_private_umask()
    make_data_folder(settings.data_dir)
    acquire_up_lock(settings)
    check_ports(settings)
    if settings.redis_url is None and not has_run_before(settings):
        require_free_space(settings.data_dir)
    prepare(settings, pull=not no_pull)
    if settings.redis_url is None:
        write_redis_configuration(settings)
    configuration, environment = write_configuration(settings)
    os.environ.update(environment)
    record_plugins(settings)
    os.environ[SUPERVISOR_VARIABLE] = str(os.getpid())  # supervisord keeps this process's number
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_emptied(settings.metrics_dir))
    os.environ.update(openmp.environment())
    click.echo(f"Starting; the data is in {settings.data_dir}")
    sys.stdout.flush()
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
    os.execv(sys.executable, command)


def prepare(settings: Settings, pull: bool) -> None:
    """Migrate the database and fetch the models of the engines that will be used."""
    services = Services.open(settings, role="up")
    try:
        services.database.upgrade()
        for record in services.plugins.records():
            if not record.loaded:
                click.secho(f"plugin {record.name} is {record.state.value}: {record.reason}", fg="yellow", err=True)
        if pull:
            for name in required_models(services):
                _pull_missing(services, name)
    finally:
        services.close()


def _pull_missing(services: Services, name: str) -> None:
    """Fetch a model. An error is printed, and `rider up` goes on without this model."""
    try:
        services.catalogue.path(name)
    except RiderError:
        try:
            pull_with_progress(services.catalogue, name)
        except RiderError as error:
            click.secho(f"the engine that needs {name} will not work: {error}", fg="red", err=True)


def _emptied(folder: os.PathLike[str]) -> os.PathLike[str]:
    """The folder without the metrics of earlier processes. It is emptied, not recreated: a full disk has no space."""
    os.makedirs(folder, exist_ok=True)
    for entry in os.scandir(folder):
        os.unlink(entry)
    return folder
