"""Opening an engine in a thread of its own: it may take a minute, and jobs of other engines run meanwhile.

A provider is called from one thread at a time, not always from the same one: it is opened here and used in the
worker's own thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rider_core.api.heap import trim_heap
from rider_core.api.provider import Provider
from rider_core.errors import ProviderBroken, ProviderUnavailable, RiderError
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: Maximum wait of a job for its engine, in seconds; then the job is postponed.
ENGINE_WAIT_S = 1.0
#: Opening time in seconds from which on the log says that an engine takes long.
LONG_S = 10.0


class StillOpening(ProviderUnavailable):
    """The engine is not open yet. Its jobs are postponed, which costs them no attempt.

    Attributes:
        opening: The opening that has not ended.
    """

    def __init__(self, opening: Opening) -> None:
        super().__init__(f"{opening.name} is being opened, for {opening.seconds:.0f} s now")
        self.opening = opening


class Opening:
    """One engine that is being opened.

    Attributes:
        engine: The open engine; None: not yet.
        error: Why it could not be opened; None: it could, or has not ended.
    """

    def __init__(self, name: str, make: Callable[[], Provider], on_end: Callable[[Opening], None]) -> None:
        """
        Args:
            make: Makes the provider and opens it. Raises `RiderError`.
            on_end: Called in the opening's own thread when it has ended.
        """
        self.name = name
        self.engine: Provider | None = None
        self.error: RiderError | None = None
        self._make = make
        self._on_end = on_end
        self._watch = Stopwatch.start()
        self._done = threading.Event()
        self._is_logged = False
        self._failed: Stopwatch | None = None
        threading.Thread(target=self._run, name=f"open-{name}", daemon=True).start()

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    @property
    def failed_for_s(self) -> float:
        """Seconds since it failed; 0 where it has not."""
        return self._failed.elapsed_s if self._failed else 0.0

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return self._watch.elapsed_s

    def wait(self, timeout_s: float) -> Provider:
        """The open engine, if that takes no longer than `timeout_s` since it began.

        Raises:
            StillOpening: it does.
            RiderError: it cannot be opened.
        """
        if not self._done.wait(max(0.0, timeout_s - self.seconds)):
            if self.seconds > LONG_S and not self._is_logged:
                self._is_logged = True
                log.warning("%s is still being opened after %.0f s; its jobs wait", self.name, self.seconds)
            raise StillOpening(self)
        if self.error is not None:
            raise self.error
        assert self.engine is not None
        return self.engine

    def _run(self) -> None:
        try:
            self.engine = self._make()
            log.info("%s opened in %.1f s", self.name, self.seconds)
        except RiderError as error:
            self.error = error
        except Exception as error:  # the top of a thread
            log.exception("%s could not be opened", self.name)
            self.error = ProviderBroken(f"{self.name} could not be opened: {error}")
        if self.error is not None:
            self._failed = Stopwatch.start()
        # Memory that opening used and freed stays in this thread's arena, which no other thread uses.
        trim_heap()
        self._done.set()
        self._on_end(self)
