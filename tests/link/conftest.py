"""The stage of the link's tests."""

from link_stage import stage

__all__ = ["stage"]
