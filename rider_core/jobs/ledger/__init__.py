"""The truth about every job, in Redis: records, leases, results, dead letters, figures.

Each step of a job's life is one Lua script, so that a process may die between any two of them and nothing is lost:
submit, take or claim (pop and lease in one), heartbeat, finish, and reap for leases that ran out. Hashes, registries
and worker records are as RQ 3.0.0 has them, so RQ's tools see the truth.
See docs/decisions/0002-leases-instead-of-intermediate-queues.md.
"""

from rider_core.jobs.ledger.backend import LedgerBackend
from rider_core.jobs.ledger.desk import NOT_BEGUN, Claim, ClaimDesk, Ended, Outcome

__all__ = ["NOT_BEGUN", "Claim", "ClaimDesk", "Ended", "LedgerBackend", "Outcome"]
