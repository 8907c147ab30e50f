"""Fixtures of the link's tests."""

from failover_harness import clock
from link_harness import fast_intervals, harness
from vision_harness import shared, shared_worker

__all__ = ["clock", "fast_intervals", "harness", "shared", "shared_worker"]
