"""What both servers share: the protocol of a request handler, the size limits, and the threads of the requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from rider_core.errors import NoAnswer, RiderError, TooLarge
from rider_core.metrics import REFUSED

log = logging.getLogger(__name__)

#: A request of a person has some hundred bytes.
MAX_REQUEST_BYTES = 64 * 1024
#: An answer with the whole history of a robot has some 100 KB.
MAX_ANSWER_BYTES = 1024 * 1024
#: Requests that one server executes at once. A switch waits for the robot; a request for the state must not wait too.
MAX_CONCURRENT = 8


class RequestHandler(Protocol):
    """Executes requests. Its methods are called from several threads."""

    def answer(self, request: bytes, left_s: float) -> bytes:
        """The answer, without a line break; never raises.

        Args:
            left_s: Seconds for which the client still waits.
        """

    def refuse(self, error: RiderError) -> bytes:
        """The answer to a request that is not executed."""


class ThreadLimiter:
    """Runs each request in a thread of its own, `MAX_CONCURRENT` at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._permits = threading.BoundedSemaphore(MAX_CONCURRENT)

    def run(self, work: Callable[[], None]) -> bool:
        """Start `work` in a new thread. False: all slots are taken, and it was not started."""
        if not self._permits.acquire(blocking=False):
            return False
        threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True).start()
        return True

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # the top of a thread
            log.exception("a request could not be answered")
        finally:
            self._permits.release()


def busy_error() -> NoAnswer:
    """The error of a request that finds all slots taken; counted."""
    REFUSED.labels("link", "busy").inc()
    return NoAnswer(f"{MAX_CONCURRENT} requests are being answered already", remedy="try again in a few seconds")


def too_large_error() -> TooLarge:
    """The error of a request longer than `MAX_REQUEST_BYTES`; counted."""
    REFUSED.labels("link", "too_large").inc()
    return TooLarge(f"the request is longer than {MAX_REQUEST_BYTES} bytes")
