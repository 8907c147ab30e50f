"""Ctrl-C, distinguished from a `KeyboardInterrupt` that a plugin raises."""

from __future__ import annotations


class Interrupted(KeyboardInterrupt):
    """Raised by our handler of SIGINT. A plain `KeyboardInterrupt` is a plugin's, and must not end the process."""
