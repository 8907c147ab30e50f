"""The transport on RQ's own lists in Redis. RQ's tools show the truth; its worker loop is not used."""

from rider_core.jobs.rq_lists.transport import RQLists

__all__ = ["RQLists"]
