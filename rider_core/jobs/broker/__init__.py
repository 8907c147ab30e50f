"""A message broker as transport: it carries tickets for jobs, and the job store in Redis says what the jobs are.

A ticket that arrives twice, late or out of order does no harm, since the job store decides what is to be done for it; a
ticket that the broker lost is published again. See docs/decisions/0013-one-job-store-two-transports.md.
"""

from rider_core.jobs.broker.transport import BrokerTransport

__all__ = ["BrokerTransport"]
