"""`rider web`: the panel's process."""

from __future__ import annotations

import os
import sys

import click


@click.command()
def web() -> None:
    """Serve the panel."""
    # The panel's server may have to patch the standard library first of all, so it starts in a fresh interpreter.
    os.execv(sys.executable, [sys.executable, "-m", "rider_core.web"])
