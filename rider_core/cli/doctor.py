"""`rider doctor`: checks the installation, and prints a remedy for each problem."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import click

from rider_core.api import Health, HealthStatus
from rider_core.config import Settings, load_settings
from rider_core.errors import BackendUnavailable, RiderError
from rider_core.pluginhost import PluginRecord, PluginState, guarded
from rider_core.pluginhost.registry import DOMAIN_CLASSES
from rider_core.printable import printable, printable_json
from rider_core.runtime.data_folder import make_data_folder
from rider_core.runtime.redis_server import write_configuration
from rider_core.runtime.services import Services

_MARKS = {
    HealthStatus.OK: ("ok", "green"),
    HealthStatus.DEGRADED: ("note", "yellow"),
    HealthStatus.UNAVAILABLE: ("FAIL", "red"),
}
#: Free disk space below which a warning is printed: models have some 100 MB each, and Redis writes its log.
MIN_FREE_BYTES = 500 * 1024 * 1024


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def doctor(as_json: bool) -> None:
    """Check this installation. Exit status 1 where something keeps it from working."""
    healthy = True
    checks: list[dict[str, str | None]] = []
    for name, health in _checks(load_settings()):
        healthy = healthy and health.status is not HealthStatus.UNAVAILABLE
        if as_json:
            check = {"check": name, "status": health.status.value, "reason": health.reason, "remedy": health.remedy}
            checks.append(check)
            continue
        mark, colour = _MARKS[health.status]
        click.secho(f"{mark:<5}", fg=colour, nl=False)
        click.echo(printable(f"{name}{': ' + health.reason if health.reason else ''}"))
        if health.remedy:
            click.echo(printable(f"     what to do: {health.remedy}"))
    if as_json:
        click.echo(printable_json(json.dumps(checks, indent=2, ensure_ascii=False)))
    if not healthy:
        sys.exit(1)


def _checks(settings: Settings) -> Iterator[tuple[str, Health]]:
    yield "Python", Health.ok(sys.version.split()[0])
    yield "panel files", _panel_files()
    yield "data folder", _data_folder(settings)
    yield "Redis", _redis(settings)
    try:
        services = Services.open(settings, role="doctor")
    except RiderError as error:
        yield "settings", Health.unavailable(error.message, error.remedy)
        return
    try:
        yield "database", _database(services)
        for record in services.plugins.records():
            yield f"plugin {record.name}", _plugin(record)
        for domain in DOMAIN_CLASSES:
            for provider_class in services.plugins.registry.in_domain(domain):
                mock = " (MOCK)" if provider_class.mock else ""
                yield f"{domain.domain} {provider_class.name}{mock}", _provider(services, provider_class.name, domain)
        yield "tracker", _tracker(services)
        for name, check in services.plugins.registry.health_checks.items():
            yield name, check()
    finally:
        services.close()


def _panel_files() -> Health:
    static = files("rider_core._web") / "static" / "app.js" if _is_installed() else None
    if static is not None and not static.is_file():
        return Health.unavailable("the panel's browser files are missing", "python contrib/build/panel.py web")
    return Health.ok()


def _is_installed() -> bool:
    try:
        files("rider_core._web")
    except ModuleNotFoundError:
        return False
    return True


def _data_folder(settings: Settings) -> Health:
    try:
        make_data_folder(settings.data_dir)
        free = shutil.disk_usage(settings.data_dir).free
    except RiderError as error:
        return Health.unavailable(error.message, error.remedy)
    if free < MIN_FREE_BYTES:
        return Health.degraded(f"{settings.data_dir} has only {free // 2**20} MiB left", "free some space there")
    return Health.ok(f"{settings.data_dir}, {free // 2**30} GiB free")


def _redis(settings: Settings) -> Health:
    embedded = settings.redis_url is None
    try:
        if embedded:
            write_configuration(settings)
        info, problem = _ask_redis(settings)
    except BackendUnavailable as error:
        if embedded:  # it runs only while `rider up` does
            return Health.ok(f"embedded Valkey on {settings.redis_socket}")
        return Health.unavailable(error.message, error.remedy)
    except RiderError as error:
        return Health.unavailable(error.message, error.remedy)
    if problem:
        return Health.unavailable(f"{problem}, so no job is taken", "free some space on its disk")
    if settings.redis_url is None:
        return Health.ok(f"embedded Valkey on {settings.redis_socket}")
    address = settings.redis_url.split("@")[-1]
    problems = dict(_losses(info))
    if problems:
        remedies = (f"redis-cli {command}" for command in problems.values())
        return Health.degraded(f"{address}: {'; '.join(problems)}", "; ".join(remedies))
    return Health.ok(address)


def _ask_redis(settings: Settings) -> tuple[dict[str, Any], str]:
    """The server's INFO, and why it refuses writes; empty: it accepts them."""
    services = Services.open(settings, role="doctor")
    try:
        info = services.redis_info()
        problem = services.redis_write_problem(info)
        if not problem:
            services.backend.stats()
        return info, problem
    finally:
        services.close()


def _losses(info: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each setting with which this Redis may lose accepted jobs, and the command that corrects it (decision 0016)."""
    if not info["aof_enabled"]:
        yield "it keeps no log: if it ends, jobs are lost", "config set appendonly yes"
    policy = info["maxmemory_policy"]
    if policy != "noeviction":
        yield f"its policy {policy} deletes jobs when its memory is full", "config set maxmemory-policy noeviction"


def _database(services: Services) -> Health:
    try:
        current = services.database.is_current()
    except RiderError as error:
        return Health.unavailable(error.message, error.remedy)
    return Health.ok() if current else Health.degraded("not migrated yet; `rider up` does it", "rider db upgrade")


def _plugin(record: PluginRecord) -> Health:
    if record.loaded:
        return Health.ok(", ".join(record.providers))
    if record.state is PluginState.DISABLED:
        return Health.degraded(record.reason)
    return Health.unavailable(record.reason, f"rider plugins check {record.name}")


def _tracker(services: Services) -> Health:
    """Degraded without a tracker: the robot's vision needs one, everything else works."""
    try:
        services.make_tracker()
    except RiderError as error:
        return Health.degraded(error.message, error.remedy)
    return Health.ok(", ".join(services.plugins.registry.trackers))


def _provider(services: Services, name: str, domain: type) -> Health:
    """An unavailable provider counts as degraded: a missing model is not an error of the installation."""
    try:
        health = guarded.health_of(services.make_provider(domain, name))
    except RiderError as error:
        return Health.unavailable(error.message, error.remedy)
    return Health.degraded(health.reason, health.remedy) if health.status is HealthStatus.UNAVAILABLE else health
