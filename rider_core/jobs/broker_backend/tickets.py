"""Tickets made from what the ledger holds."""

from __future__ import annotations

from collections.abc import Mapping

from rider_core.api.job_transport import Ticket, new_nonce
from rider_core.jobs.ledger.codec import Told, attempts_of


def ticket_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> Ticket:
    """A ticket for another attempt. It goes alone: the job failed once, or was lost."""
    told = Told.of(fields.get(b"about", b"").decode("utf-8", "replace"))
    return Ticket(
        job_id=job_id,
        lane=fields.get(b"origin", b"").decode("utf-8", "replace"),
        task=told.task,
        attempt=attempts_of(fields),
        alone=True,
        submitted_ts=float(told.submitted_ts or 0),
        body=fields.get(b"data", b""),
        nonce=new_nonce(),
    )
