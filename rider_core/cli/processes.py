"""The commands that are one process each. `rider up` starts them; labs start them on machines of their choice."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click
import httpx

from rider_core.api.tasks import QUEUES
from rider_core.cli.link_process import run_link
from rider_core.cli.simulated_voice import engine_voice
from rider_core.config import Settings, load_settings
from rider_core.runtime.process import die_with_supervisor, set_up_logging
from rider_core.runtime.redis_connection import connect, wait_for_redis
from rider_core.runtime.redis_server import become_server
from rider_core.simulator import RobotConfig
from rider_core.simulator import run as run_simulator
from rider_core.worker import ProviderWorker

#: A real robot's voice gives a PC up that lets it wait for 5 s; the simulated one is there to be watched, with pauses.
SIMULATED_PATIENCE_S = 60.0
#: `rider up` gives its processes that long before it says that the panel does not come.
PANEL_WAIT_S = 60.0


@click.command()
def web() -> None:
    """Serve the panel."""
    # The panel's server may have to patch the standard library first of all, so it starts in a fresh interpreter.
    os.execv(sys.executable, [sys.executable, "-m", "rider_core.web"])


@click.command()
@click.argument("queues", nargs=-1)
@click.option("--name", help="How the worker is called; by default after machine and process.")
@click.option("--burst", is_flag=True, help="End when no job waits.")
def worker(queues: tuple[str, ...], name: str | None, burst: bool) -> None:
    """Work on jobs of QUEUES (voice, vision, text), all without any."""
    settings = _begin(name or "worker")
    connection = connect(settings.redis_location)
    full_name = f"{name}-{os.getpid()}" if name else None
    ProviderWorker(list(queues or QUEUES), name=full_name, connection=connection).work(
        burst=burst, logging_level=settings.log_level.upper()
    )


@click.command()
def link() -> None:
    """Connect to the robot at RIDER_PI_HOST, or to the simulated one."""
    run_link(_begin("link"))


@click.command()
@click.option("--sounds", type=click.Path(exists=True, file_okay=False, path_type=Path), help="WAV files to hear.")
@click.option("--pictures", type=click.Path(exists=True, file_okay=False, path_type=Path), help="JPEG files to see.")
def simulate(sounds: Path | None, pictures: Path | None) -> None:
    """Be a Rider-Pi: broker, HTTP interface and streams, on loopback."""
    settings = load_settings()
    set_up_logging("robot", settings.log_level)
    die_with_supervisor()
    run_simulator(
        RobotConfig(
            publish_port=settings.pi_publish_port,
            subscribe_port=settings.pi_subscribe_port,
            api_port=settings.pi_api_port,
            sounds=sounds,
            pictures=pictures,
            speak=None if sounds else engine_voice(settings),
            voice_fallback_s=SIMULATED_PATIENCE_S,
        )
    )


@click.command(hidden=True)
def redis() -> None:
    """Be the embedded Valkey."""
    settings = load_settings()
    die_with_supervisor()
    become_server(settings)


@click.command(hidden=True)
def announce() -> None:
    """Wait for the panel, then say where it is."""
    settings = load_settings()
    url = f"http://{settings.web_host}:{settings.web_port}"
    end = time.monotonic() + PANEL_WAIT_S
    while time.monotonic() < end:
        try:
            httpx.get(f"{url}/healthz", timeout=1, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
            continue
        robot = "a SIMULATED robot (set RIDER_PI_HOST for a real one)" if settings.simulated else settings.pi_host
        click.secho(f"\n  Rider-PC is up: {url}\n  robot: {robot}\n  Ctrl-C ends it.\n", fg="green", bold=True)
        return
    click.secho(f"The panel at {url} does not answer; see the lines above for the reason.", fg="red")
    sys.exit(1)


def _begin(role: str) -> Settings:
    """What every process that works with Redis does first."""
    settings = load_settings()
    set_up_logging(role, settings.log_level)
    die_with_supervisor()
    wait_for_redis(
        settings.redis_location,
        remedy="start it, or correct REDIS_URL" if settings.redis_url else "start `rider up` first",
    )
    return settings
