"""The stage of the link's tests."""

from link_stage import soon, stage

__all__ = ["soon", "stage"]
