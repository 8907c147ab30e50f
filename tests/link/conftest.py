"""Fixtures of the link's tests."""

from failover_harness import clock
from link_stage import soon, stage

__all__ = ["clock", "soon", "stage"]
