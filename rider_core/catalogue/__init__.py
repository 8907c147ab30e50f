"""Model files: fetches them from their sources, verifies them, and gives their paths."""

from rider_core.catalogue.catalogue import ModelCatalogue, ModelState, ModelStatus
from rider_core.catalogue.digests import Progress

__all__ = ["ModelCatalogue", "ModelState", "ModelStatus", "Progress"]
