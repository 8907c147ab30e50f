"""`rider web`: the panel's process."""

from __future__ import annotations

import os
import sys

import click


@click.command()
def web() -> None:
    """Serve the panel."""
    # eventlet must patch the standard library before other imports, so the panel starts in a fresh interpreter.
    os.execv(sys.executable, [sys.executable, "-m", "rider_core.web"])
