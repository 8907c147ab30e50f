"""Rider-PC: the big brain of a small robot. Start reading in `rider_core.api`."""

__version__ = "0.1.0"
