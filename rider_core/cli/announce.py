"""`rider announce`: says where the panel is, once it is there. `rider up` starts it."""

from __future__ import annotations

import sys
import time

import click
import httpx

from rider_core.config import load_settings

#: `rider up` gives its processes that long before it says that the panel does not come.
PANEL_WAIT_S = 60.0


@click.command(hidden=True)
def announce() -> None:
    """Wait for the panel, then say where it is."""
    settings = load_settings()
    url = f"http://{settings.web_host}:{settings.web_port}"
    if not _answers(url):
        click.secho(f"The panel at {url} does not answer; see the lines above for the reason.", fg="red")
        sys.exit(1)
    robot = settings.pi_host if settings.has_robot else "none (RIDER_ROBOT)"
    if settings.simulated:
        robot = "a SIMULATED robot (set RIDER_PI_HOST for a real one)"
    click.secho(f"\n  Rider-PC is up: {url}\n  robot: {robot}\n  Ctrl-C ends it.\n", fg="green", bold=True)


def _answers(url: str) -> bool:
    """Whether the panel answers in time. Plain HTTP: the machine's certificates, read for nothing, cost 60 ms."""
    end = time.monotonic() + PANEL_WAIT_S
    with httpx.Client(base_url=url, timeout=1, trust_env=False, verify=False) as client:
        while time.monotonic() < end:
            try:
                client.get("/healthz").raise_for_status()
                return True
            except httpx.HTTPError:
                time.sleep(0.1)
    return False
