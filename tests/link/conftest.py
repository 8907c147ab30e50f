"""Fixtures of the link's tests."""

from failover_harness import clock
from link_stage import soon, stage
from vision_harness import scene, workshop

__all__ = ["clock", "scene", "soon", "stage", "workshop"]
