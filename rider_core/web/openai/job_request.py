"""Runs one request as a job: submits it, waits for it or streams it, and cancels it when the client disconnects."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

from rider_core.api.jobs import JobRecord, JobSpec, JobState, Priority, RetryPolicy
from rider_core.api.messages import Message
from rider_core.api.tasks import task_named
from rider_core.errors import JobExpired, RiderError, WaitTimeout
from rider_core.runtime.job_stream import follow_job
from rider_core.runtime.services import Services
from rider_core.web.openai.client_connection import ClientConnection

log = logging.getLogger(__name__)

#: A job that no worker has started within this time is given up, in seconds: people and tools do not wait longer.
START_WITHIN_S = 60.0
#: Time until the end of a job is known whose worker was stopped at the task's timeout, its lease included, in seconds.
GRACE_S = 15.0
#: Interval of the checks whether the client is still connected, in seconds.
CHECK_EVERY_S = 1.0
#: Pieces of a stream in memory at a time; a quarter of a second of audio has some 16 kB.
PIECES_PER_READ = 32
#: A whole answer is tried twice; of a stream the client may have received a part already.
_ONCE_MORE = RetryPolicy(max_attempts=2, first_delay_s=0.5, max_delay_s=2)
_ONCE = RetryPolicy(max_attempts=1)
_NOT_STARTED = frozenset({JobState.WAITING, JobState.SCHEDULED})


class JobRequest:
    """Use `result` or `pieces`, and `close` in any case.

    Attributes:
        id: Of the job.
    """

    def __init__(
        self,
        services: Services,
        client_connection: ClientConnection,
        task: str,
        request: Message,
        provider: str | None,
        stream: bool,
    ) -> None:
        self._services = services
        self._client = client_connection
        self._limit_s = START_WITHIN_S + task_named(task).timeout_s + GRACE_S
        spec = JobSpec(
            task=task,
            payload=request.model_dump(mode="json", exclude_none=True),
            provider=provider,
            priority=Priority.NORMAL,  # the robot's jobs have a higher one
            deadline_ts=time.time() + START_WITHIN_S,
            retry=_ONCE if stream else _ONCE_MORE,
            stream=stream,
            origin="openai",
        )
        self._start_by = time.monotonic() + START_WITHIN_S
        self._ended = False
        # The spec is not kept: with a recording it has some ten megabytes.
        self.id = services.backend.submit(spec)

    def result(self) -> JobRecord:
        """The record of the job once it is done.

        Raises:
            JobFailed, JobExpired, JobCancelled, WaitTimeout: the job did not succeed, or not in time.
            ClientDisconnected: the client has closed the connection.
        """
        end = time.monotonic() + self._limit_s
        while True:
            try:
                record = self._services.backend.wait(self.id, CHECK_EVERY_S)
            except WaitTimeout:
                if time.monotonic() > end:
                    raise
                self._check_worth_waiting()
                continue
            return self._succeeded(record)

    def pieces(self) -> Iterator[dict[str, Any] | JobRecord]:
        """The data of each partial result, in order, and at the end the record. Raises as `result` does."""
        stream = follow_job(
            self._services.bus,
            self._services.backend,
            self.id,
            self._limit_s,
            read_count=PIECES_PER_READ,
            on_idle=self._check_worth_waiting,
        )
        for item in stream:
            yield self._succeeded(item) if isinstance(item, JobRecord) else item

    def close(self) -> None:
        """Cancel the job unless it has ended. Raises nothing."""
        if self._ended:
            return
        self._ended = True
        try:
            if self._services.backend.cancel(self.id):
                log.info("job %s was cancelled: its client has disconnected", self.id)
        except RiderError as error:
            log.warning("job %s could not be cancelled: %s", self.id, error)

    def _check_worth_waiting(self) -> None:
        """Raise if the client has disconnected, or if no worker started the job in time.

        Without a running worker the job stays in its queue after its deadline: no event says that it expired.
        """
        self._client.check()
        if time.monotonic() > self._start_by and self._services.backend.get(self.id).state in _NOT_STARTED:
            raise _expired(f"job {self.id} still waits")

    def _succeeded(self, record: JobRecord) -> JobRecord:
        self._ended = True
        try:
            record.value()
        except JobExpired as error:
            raise _expired(error.message) from None
        return record


def _expired(reason: str) -> JobExpired:
    return JobExpired(
        f"no worker has started the job within {START_WITHIN_S:g} s: {reason}",
        remedy="is `rider up` running, or is it busy? `rider queue stats` shows what waits",
    )
