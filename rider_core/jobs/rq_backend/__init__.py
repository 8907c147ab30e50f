"""The job port on RQ's data in Redis: `rq info` and rq's registries show the truth, rq's own worker loop is not used.

Each step of a job's life is one Lua script, so that a process may die between any two of them and nothing is lost:
submit, take (pop and lease in one), heartbeat, finish, and reap for leases that ran out.
See docs/decisions/0002-leases-instead-of-intermediate-queues.md.
"""

from rider_core.jobs.rq_backend.backend import RQBackend
from rider_core.jobs.rq_backend.claims import Claim, ClaimDesk, Outcome

__all__ = ["Claim", "ClaimDesk", "Outcome", "RQBackend"]
