"""Model files: fetching them from where they are published, checking them, and handing out their paths."""

from rider_core.catalogue.catalogue import ModelCatalogue, ModelState, ModelStatus
from rider_core.catalogue.digests import Progress

__all__ = ["ModelCatalogue", "ModelState", "ModelStatus", "Progress"]
