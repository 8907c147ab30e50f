"""Publishes from many threads over one connection, which is opened when needed, and again after a loss."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from rider_core.api import Ticket
from rider_core.errors import BackendUnavailable
from rider_queue_rabbitmq.delays import step_for
from rider_queue_rabbitmq.publish_session import Batch, PublishSession
from rider_queue_rabbitmq.settings import RabbitSettings
from rider_queue_rabbitmq.tickets import to_properties
from rider_queue_rabbitmq.topology import lane_queue

#: Maximum wait for confirms, in seconds. A healthy RabbitMQ needs a tenth of it, even for a thousand messages on a slow
#: disk.
CONFIRM_LIMIT_S = 10.0
_END_LIMIT_S = 8.0


class Publisher:
    """
    Args:
        confirm_limit_s: Maximum time in seconds until RabbitMQ has confirmed all messages of a `publish`.
    """

    def __init__(self, settings: RabbitSettings, confirm_limit_s: float = CONFIRM_LIMIT_S) -> None:
        self._settings = settings
        self._confirm_limit_s = confirm_limit_s
        self._lock = threading.Lock()
        self._session: PublishSession | None = None
        self._closed = False

    def publish(self, tickets: Sequence[Ticket], delay_s: float) -> None:
        """See `JobTransport.publish`.

        Raises:
            BackendUnavailable: not all tickets were confirmed. The publisher does not retry: the caller decides.
            InvalidInput: the delay, a lane or a ticket is invalid; nothing was sent.
            TooLarge: a body is too large; nothing was sent.
        """
        if not tickets:
            return
        for ticket in tickets:
            lane_queue(ticket.lane)
        batch = Batch(tickets, [to_properties(ticket) for ticket in tickets], step_for(delay_s))
        session = self._submit(batch)
        if not batch.done.wait(self._confirm_limit_s):
            fault = BackendUnavailable(
                f"RabbitMQ at {self._settings.host}:{self._settings.port} has not confirmed {len(tickets)} jobs within "
                f"{self._confirm_limit_s:g} s",
                remedy="see whether its disk keeps up, and its log: journalctl -u rabbitmq-server",
            )
            batch.fail(fault)
            self._drop(session, fault)
        if batch.fault is not None:
            raise batch.fault

    def close(self) -> None:
        with self._lock:
            self._closed = True
            session, self._session = self._session, None
        if session is not None:
            session.close(_END_LIMIT_S)

    def _drop(self, session: PublishSession, fault: BackendUnavailable) -> None:
        """Drop the session: its unconfirmed messages would fill the window of later callers."""
        with self._lock:
            if self._session is session:
                self._session = None
        session.abort(fault)

    def _submit(self, batch: Batch) -> PublishSession:
        with self._lock:
            if self._closed:
                raise BackendUnavailable("this transport to RabbitMQ is closed", remedy="make another")
            if self._session is None or not self._session.submit(batch):
                self._session = PublishSession(self._settings)
                # Before it starts: a session that RabbitMQ refuses may be over before its batch is submitted.
                self._session.submit(batch)
                self._session.start()
            return self._session
