"""`rider announce`: prints the panel's address once all processes are up, or the names of those that are not."""

from __future__ import annotations

import ipaddress
import sys
import time
from contextlib import suppress

import click
import httpx

from rider_core.config import Settings, authority, load_settings
from rider_core.runtime.supervision import not_running

#: Maximum wait for the processes of `rider up`, in seconds.
WAIT_S = 60.0
LOOK_EVERY_S = 0.2


@click.command(hidden=True)
def announce() -> None:
    """Wait for the panel and all processes, then print its address."""
    settings = load_settings()
    url = _panel_url(settings)
    end = time.monotonic() + WAIT_S
    answers = not settings.web_enabled or _answers(url, end)
    missing = not_running(settings)
    while missing and time.monotonic() < end:
        time.sleep(LOOK_EVERY_S)
        missing = not_running(settings)
    for name, state in missing.items():
        click.secho(f"{name} is not up ({state}): its lines above say why", fg="red")
    if not answers:
        click.secho(f"The panel at {url} does not answer; see the lines above for the reason.", fg="red")
    if missing or not answers:
        sys.exit(1)
    robot = settings.pi_host if settings.has_robot else "none (RIDER_ROBOT)"
    if settings.simulated:
        robot = "a SIMULATED robot (set RIDER_PI_HOST for a real one)"
    place = url if settings.web_enabled else "without a panel (RIDER_WEB_ENABLED)"
    click.secho(f"\n  Rider-PC is up: {place}\n  robot: {robot}\n  Ctrl-C ends it.\n", fg="green", bold=True)


def _panel_url(settings: Settings) -> str:
    """The panel's address on this machine."""
    host = settings.web_host
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "::1"
    scheme = "https" if settings.web_tls_cert else "http"
    return f"{scheme}://{authority(host or '127.0.0.1', settings.web_port)}"


def _answers(url: str, end: float) -> bool:
    """Whether the panel answers before `end`. `verify=False`: it is this machine; certificates take 60 ms to load."""
    with httpx.Client(base_url=url, timeout=1, trust_env=False, verify=False) as client:
        while time.monotonic() < end:
            try:
                client.get("/healthz").raise_for_status()
                return True
            except httpx.HTTPError:
                time.sleep(LOOK_EVERY_S)
    return False
