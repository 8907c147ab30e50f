"""Tickets for the broker, made from specs, from the job store, and from results."""

from __future__ import annotations

from collections.abc import Mapping

from rider_core.api.job_transport import Ticket, new_nonce
from rider_core.api.jobs import AnySpec
from rider_core.api.tasks import task_named
from rider_core.jobs.leased_job import AttemptResult, Outcome
from rider_core.jobs.store import keys
from rider_core.jobs.store.metadata import JobMetadata
from rider_core.jobs.store.records import attempts_of


def ticket_from_spec(spec: AnySpec, data: bytes, now: float) -> Ticket:
    """The first ticket of a job that was accepted now."""
    task = task_named(spec.task)
    return Ticket(
        job_id=spec.id,
        lane=keys.lane_of(task.queue, spec.priority),
        task=spec.task,
        attempt=0,
        alone=(spec.retry or task.retry).max_attempts == 1,
        submitted_ts=now,
        body=data,
        nonce=new_nonce(),
    )


def ticket_from_hash(job_id: str, fields: Mapping[bytes, bytes]) -> Ticket:
    """A ticket for another attempt. It runs alone: the job failed once, or was lost."""
    metadata = JobMetadata.unpack(fields.get(b"metadata", b"").decode("utf-8", "replace"))
    return Ticket(
        job_id=job_id,
        lane=fields.get(b"origin", b"").decode("utf-8", "replace"),
        task=metadata.task,
        attempt=attempts_of(fields),
        alone=True,
        submitted_ts=float(metadata.submitted_ts or 0),
        body=fields.get(b"data", b""),
        nonce=new_nonce(),
    )


def ticket_from_result(result: AttemptResult) -> Ticket:
    """A ticket for another attempt after this one."""
    assert result.leased.delivery is not None
    ticket = result.leased.delivery.ticket
    if result.outcome is Outcome.POSTPONED:
        return ticket.renewed(attempt=result.leased.attempt - 1, alone=ticket.alone)
    return ticket.renewed(attempt=result.leased.attempt, alone=True)
