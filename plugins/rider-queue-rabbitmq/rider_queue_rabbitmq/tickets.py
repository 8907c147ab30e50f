"""What a ticket looks like as an AMQP message.

The body is the ticket's, unchanged. `message_id` is the job's id, `type` its task, the headers carry the rest. The lane
is not in the message: it is the queue.
"""

from __future__ import annotations

import math
from typing import Any

import pika

from rider_core.api import Ticket
from rider_core.errors import InvalidInput, TooLarge

#: RabbitMQ 4 takes no larger message unless told to (3.10 takes 128 MiB), and closes the channel on one.
MAX_BODY_BYTES = 16 * 1024 * 1024
#: An attempt is counted; nobody counts this far.
_MAX_ATTEMPT = 1_000_000
#: What AMQP's short strings hold.
_MAX_TEXT_BYTES = 255
_CONTENT_TYPE = "application/json"
_PERSISTENT = 2


class NotATicket(ValueError):
    """A message that none of us sent. Its text says why, without what the stranger wrote."""


def to_properties(ticket: Ticket) -> pika.BasicProperties:
    """
    Raises:
        TooLarge: RabbitMQ may not take the body, and would drop the tickets of others with the channel.
        InvalidInput: whoever gets the message would not take it for a ticket.
    """
    if len(ticket.body) > MAX_BODY_BYTES:
        raise TooLarge(
            f"job {ticket.job_id} has {len(ticket.body)} bytes; over RabbitMQ {MAX_BODY_BYTES} is the limit",
            remedy="send less in one job, or set TASK_QUEUE_BACKEND=rq",
        )
    try:
        properties = _properties(ticket)
        from_message(ticket.lane, properties, ticket.body)
    except (ValueError, OverflowError) as problem:
        raise InvalidInput(f"job {ticket.job_id[:50]!r} cannot travel over RabbitMQ: {problem}") from None
    return properties


def _properties(ticket: Ticket) -> pika.BasicProperties:
    return pika.BasicProperties(
        message_id=ticket.job_id,
        type=ticket.task,
        delivery_mode=_PERSISTENT,
        content_type=_CONTENT_TYPE,
        timestamp=int(ticket.submitted_ts),
        # The time as text: pika reads a float header as a whole number.
        headers={"attempt": ticket.attempt, "alone": ticket.alone, "submitted_ts": repr(ticket.submitted_ts)},
    )


def from_message(lane: str, properties: pika.BasicProperties, body: bytes) -> Ticket:
    """The ticket that came out of `lane`.

    Raises:
        NotATicket: the message has another form.
    """
    if len(body) > MAX_BODY_BYTES:
        raise NotATicket(f"its body has {len(body)} bytes, the limit is {MAX_BODY_BYTES}")
    headers = properties.headers or {}
    attempt = headers.get("attempt")
    alone = headers.get("alone")
    if not isinstance(attempt, int) or isinstance(attempt, bool) or not 0 <= attempt <= _MAX_ATTEMPT:
        raise NotATicket("its header `attempt` is not a count")
    if not isinstance(alone, bool):
        raise NotATicket("its header `alone` is not true or false")
    return Ticket(
        job_id=_text(properties.message_id, "message_id"),
        lane=lane,
        task=_text(properties.type, "type"),
        attempt=int(attempt),
        alone=alone,
        submitted_ts=_seconds(headers.get("submitted_ts")),
        body=body,
    )


def _text(value: Any, name: str) -> str:
    # pika leaves bytes that are not UTF-8 as bytes.
    if not isinstance(value, str) or not value or not value.isprintable() or len(value.encode()) > _MAX_TEXT_BYTES:
        raise NotATicket(f"its property `{name}` is missing, too long or not text")
    return value


def _seconds(value: Any) -> float:
    if not isinstance(value, str) or len(value) > 40:
        raise NotATicket("its header `submitted_ts` is missing or not text")
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise NotATicket("its header `submitted_ts` is not a time")
    return seconds
