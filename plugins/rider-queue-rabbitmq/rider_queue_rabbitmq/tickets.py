"""A ticket as an AMQP message.

The body is the ticket's, unchanged. `message_id` is the job's id, `type` its task. One header carries the rest: pika
takes as long for each as for all of these together. The lane is not in the message: it is the queue.
"""

from __future__ import annotations

import re
from typing import Any

import pika

from rider_core.api import Ticket
from rider_core.errors import InvalidInput, TooLarge

#: RabbitMQ 4 takes no larger message unless told to (3.10 takes 128 MiB), and closes the channel on one.
MAX_BODY_BYTES = 16 * 1024 * 1024
#: Name of the header: attempt, whether the job runs alone, nonce, and submission time in seconds since the epoch.
HEADER = "ticket"
#: An attempt has six digits at most.
_HEADER_FORM = re.compile(r"(\d{1,6}) ([01]) ([0-9a-f]{8}) (\d{1,12}\.\d{1,12})", re.ASCII)
#: What AMQP's short strings hold.
_MAX_TEXT_BYTES = 255
_CONTENT_TYPE = "application/json"
_PERSISTENT = 2


class NotATicket(ValueError):
    """A message that Rider-PC has not sent. The error says why, without the message's content."""


def to_properties(ticket: Ticket) -> pika.BasicProperties:
    """
    Raises:
        TooLarge: RabbitMQ might refuse the body, and would drop the tickets of others with the channel.
        InvalidInput: a receiver would not accept the message as a ticket.
    """
    if len(ticket.body) > MAX_BODY_BYTES:
        raise TooLarge(
            f"job {ticket.job_id} has {len(ticket.body)} bytes; over RabbitMQ {MAX_BODY_BYTES} is the limit",
            remedy="send less in one job, or set TASK_QUEUE_BACKEND=rq",
        )
    header = f"{ticket.attempt} {ticket.alone:d} {ticket.nonce} {ticket.submitted_ts!r}"
    try:
        _parsed(header)
        return pika.BasicProperties(
            message_id=_text(ticket.job_id, "message_id"),
            type=_text(ticket.task, "type"),
            delivery_mode=_PERSISTENT,
            content_type=_CONTENT_TYPE,
            timestamp=int(ticket.submitted_ts),
            headers={HEADER: header},
        )
    except NotATicket as problem:
        raise InvalidInput(f"job {ticket.job_id[:50]!r} cannot travel over RabbitMQ: {problem}") from None


def from_message(lane: str, properties: pika.BasicProperties, body: bytes) -> Ticket:
    """The ticket that came out of `lane`.

    Raises:
        NotATicket: the message has another form.
    """
    if len(body) > MAX_BODY_BYTES:
        raise NotATicket(f"its body has {len(body)} bytes, the limit is {MAX_BODY_BYTES}")
    attempt, alone, nonce, submitted_ts = _parsed((properties.headers or {}).get(HEADER))
    return Ticket(
        job_id=_text(properties.message_id, "message_id"),
        lane=lane,
        task=_text(properties.type, "type"),
        attempt=attempt,
        alone=alone,
        submitted_ts=submitted_ts,
        body=body,
        nonce=nonce,
    )


def _parsed(header: Any) -> tuple[int, bool, str, float]:
    form = _HEADER_FORM.fullmatch(header) if isinstance(header, str) else None
    if form is None:
        raise NotATicket(f"its header `{HEADER}` is missing, or not an attempt, 0 or 1, a nonce and a time")
    attempt, alone, nonce, submitted_ts = form.groups()
    return int(attempt), alone == "1", nonce, float(submitted_ts)


def _text(value: Any, name: str) -> str:
    # pika leaves bytes that are not UTF-8 as bytes.
    if not isinstance(value, str) or not value or not value.isprintable() or len(value.encode()) > _MAX_TEXT_BYTES:
        raise NotATicket(f"its property `{name}` is missing, too long or not text")
    return value
