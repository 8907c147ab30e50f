"""Rate limits of clients: a burst, then one more action in each interval (token buckets)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

#: Clients whose bucket is kept. A client beyond them starts with a full bucket again.
MAX_CLIENTS = 1_024


class TokenBuckets:
    """One bucket for each client. All methods may be called from several threads."""

    def __init__(self, size: int, refill_s: float, now: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            size: Tokens of a full bucket.
            refill_s: Time until one token is added, in seconds.
        """
        self._size = size
        self._refill_s = refill_s
        self._now = now
        #: When each client's bucket will be full again (monotonic). A client without an entry has a full bucket.
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, client: str) -> float:
        """Seconds until a token is available; 0: there is one."""
        with self._lock:
            return self._wait_s(client)

    def take(self, client: str) -> float:
        """Take a token and return 0; where there is none, return the seconds until there is one."""
        with self._lock:
            wait_s = self._wait_s(client)
            if not wait_s:
                now = self._now()
                self._full_at[client] = max(now, self._full_at.get(client, now)) + self._refill_s
                self._full_at.move_to_end(client)
                while len(self._full_at) > MAX_CLIENTS:
                    self._full_at.popitem(last=False)
            return wait_s

    def give_back(self, client: str) -> None:
        """Put a token back that was taken."""
        with self._lock:
            if client in self._full_at:
                self._full_at[client] -= self._refill_s

    def _wait_s(self, client: str) -> float:
        missing_s = self._full_at.get(client, 0.0) - self._now()
        return max(0.0, missing_s - (self._size - 1) * self._refill_s)
