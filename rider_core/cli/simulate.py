"""`rider simulate`: the simulated robot, as a process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from rider_core.cli.simulated_owner import SimulatedOwner
from rider_core.cli.simulated_voice import engine_voice
from rider_core.config import load_settings
from rider_core.runtime.data_folder import set_private_umask
from rider_core.runtime.process import die_with_supervisor, observe_process
from rider_core.simulator import RobotConfig
from rider_core.simulator import run as run_simulator


@click.command()
@click.option("--sounds", type=click.Path(exists=True, file_okay=False, path_type=Path), help="WAV files to record.")
@click.option("--pictures", type=click.Path(exists=True, file_okay=False, path_type=Path), help="JPEG files to film.")
@click.option("--owner", is_flag=True, help="Start local, and switch to the PC once it can serve: `rider up` does so.")
def simulate(sounds: Path | None, pictures: Path | None, owner: bool) -> None:
    """Simulate a Rider-Pi on loopback: broker, HTTP interface and streams.

    It is as strict as a real one. If its voice process has ended, the log says how to start it again.
    """
    settings = load_settings()
    observe_process("robot", settings)
    die_with_supervisor()
    set_private_umask()
    config = RobotConfig(
        publish_port=settings.pi_publish_port,
        subscribe_port=settings.pi_subscribe_port,
        api_port=settings.pi_api_port,
        sounds=sounds,
        pictures=pictures,
        speak=None if sounds else engine_voice(settings),
    )
    if owner:
        config = replace(config, pc_domains=())
        SimulatedOwner(settings.robot_api_url).start()
    run_simulator(config)
