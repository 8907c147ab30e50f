"""Puts the parts of one process together, and starts and watches the processes."""

from rider_core.runtime.services import Services

__all__ = ["Services"]
