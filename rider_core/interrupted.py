"""Ctrl-C, told apart from what a plugin raises."""

from __future__ import annotations


class Interrupted(KeyboardInterrupt):
    """Somebody pressed Ctrl-C. A plain `KeyboardInterrupt` was raised by a plugin, and ends nothing of ours."""
