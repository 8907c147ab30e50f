"""The sessions that were signed out: their cookies are valid by their signature, and are refused all the same."""

from __future__ import annotations

import threading
from collections import OrderedDict

#: Sessions that are remembered, about 100 bytes each. Beyond them the oldest cookie counts again until its age.
MAX_ENDED = 10_000


class EndedSessions:
    """By their CSRF tokens, which are random. All methods may be called from several threads."""

    def __init__(self) -> None:
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, csrf: str) -> None:
        with self._lock:
            self._ended[csrf] = None
            while len(self._ended) > MAX_ENDED:
                self._ended.popitem(last=False)

    def __contains__(self, csrf: str) -> bool:
        return csrf in self._ended
