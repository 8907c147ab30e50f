"""Ctrl-C, told apart from what a plugin raises."""

from __future__ import annotations


class Interrupted(KeyboardInterrupt):
    """Our handler of SIGINT raises this. A plain `KeyboardInterrupt` comes from a plugin, and ends nothing of ours."""
