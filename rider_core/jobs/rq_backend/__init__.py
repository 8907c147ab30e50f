"""The job port on RQ's own lists in Redis: `rq info` and its registries tell the truth, its worker loop is not used."""

from rider_core.jobs.rq_backend.backend import RQBackend

__all__ = ["RQBackend"]
