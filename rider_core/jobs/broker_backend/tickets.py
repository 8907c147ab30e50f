"""Tickets made from what the ledger holds."""

from __future__ import annotations

from collections.abc import Mapping

from rider_core.api.job_transport import Ticket, new_nonce
from rider_core.jobs.ledger.codec import Told


def ticket_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> Ticket:
    """A ticket for another attempt. It goes alone: the job failed once, or was lost."""
    told = Told.of(fields.get(b"about", b"").decode())
    return Ticket(
        job_id=job_id,
        lane=fields[b"origin"].decode(),
        task=told.task,
        attempt=int(fields.get(b"attempts", b"0")),
        alone=True,
        submitted_ts=float(told.submitted_ts or 0),
        body=fields[b"data"],
        nonce=new_nonce(),
    )
