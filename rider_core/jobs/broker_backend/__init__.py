"""The job port with a message broker: it carries the jobs, the ledger in Redis says what they are.

A ticket that comes twice, late or out of order does no harm, since the ledger decides what is to be done for it; one
that the broker lost is published again. See docs/decisions/0013-one-ledger-two-carriers.md.
"""

from rider_core.jobs.broker_backend.backend import BrokerBackend

__all__ = ["BrokerBackend"]
