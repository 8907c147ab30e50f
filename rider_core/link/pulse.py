"""Signs of life of the link's threads. One that hangs is not mended but found: the process is then started anew."""

from __future__ import annotations

import threading
import time

#: The longest that any of them may take for one round: some calls to a robot that hangs, each at its limit.
STUCK_AFTER_S = 30.0


class Pulse:
    """Of one thread, which calls `beat` in every round."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._thread: threading.Thread | None = None
        self._last = 0.0

    def beat(self) -> None:
        self._thread = threading.current_thread()
        self._last = time.monotonic()

    def problem(self) -> str:
        """What is wrong with the thread; empty where nothing is, or where it has not begun."""
        if self._thread is None:
            return ""
        if not self._thread.is_alive():
            return f"{self.name} has ended"
        late_s = time.monotonic() - self._last
        return f"{self.name} has hung for {late_s:.0f} s" if late_s > STUCK_AFTER_S else ""
