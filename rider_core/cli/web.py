"""`rider web`: the panel's process, and a certificate for it."""

from __future__ import annotations

import os
import socket
import sys

import click

from rider_core.config import load_settings
from rider_core.errors import ConfigError
from rider_core.web.serving.tls import write_self_signed

#: Browsers refuse certificates that are valid for longer.
MAX_DAYS = 397


@click.group(invoke_without_command=True)
@click.pass_context
def web(context: click.Context) -> None:
    """Serve the panel."""
    if context.invoked_subcommand is None:
        # eventlet must patch the standard library before other imports, so the panel starts in a fresh interpreter.
        os.execv(sys.executable, [sys.executable, "-m", "rider_core.web"])


@web.command()
@click.argument("names", nargs=-1)
@click.option(
    "--days", default=MAX_DAYS, show_default=True, type=click.IntRange(1, MAX_DAYS), help="How long it is valid."
)
@click.option("--force", is_flag=True, help="Replace the files that are there.")
def certificate(names: tuple[str, ...], days: int, force: bool) -> None:
    """Make a self-signed certificate for the panel, for NAMES (host names and addresses) and this computer's own.

    Browsers ask once whether they should trust it. With it they lend microphone and camera to the panel's page on
    other devices, too.
    """
    folder = load_settings().data_dir / "tls"
    files = folder / "panel.crt", folder / "panel.key"
    if not force and any(file.exists() for file in files):
        raise ConfigError(f"there is a certificate in {folder} already", remedy="--force replaces it")
    host = socket.gethostname()
    all_names = list(dict.fromkeys([*names, host, f"{host}.local", "localhost", "127.0.0.1", "::1"]))
    write_self_signed(*files, all_names, days)
    click.echo(f"RIDER_WEB_TLS_CERT={files[0]}\nRIDER_WEB_TLS_KEY={files[1]}")
    click.echo(
        f"set both (in {load_settings().data_dir / '.env'}), then start again; it names {', '.join(all_names)}",
        err=True,
    )
