"""The database: provider settings and the history of jobs. Not in the hot path; what runs now is in the job backend."""

from rider_core.store.store import Store

__all__ = ["Store"]
