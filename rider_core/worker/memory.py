"""The memory that this process has allocated, and its limit."""

from __future__ import annotations

import logging
import re
import resource
import sys
from pathlib import Path

from rider_core.metrics import PROCESS_LIMIT, process_name

log = logging.getLogger(__name__)

_STATUS = Path("/proc/self/status")
_OWN = re.compile(rb"RssAnon:\s+(\d+) kB")


def own_bytes() -> int:
    """Allocated bytes; without mapped files, such as models, which are shared and can be dropped. 0: unknown."""
    try:
        found = _OWN.search(_STATUS.read_bytes())
    except OSError:  # not Linux: the largest it ever was
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return int(found[1]) * 1024 if found else 0


class MemoryLimit:
    """The limit of one worker: one whose engine leaks is restarted before the machine runs out of memory."""

    def __init__(self, limit_mb: int) -> None:
        """
        Args:
            limit_mb: Limit in MiB; 0: none.
        """
        self._limit_bytes = limit_mb << 20
        self._is_logged = False

    def start(self) -> None:
        """To be called when the engines are open. If these alone exceed the limit, a restart is no help: ignore it."""
        if self._limit_bytes and own_bytes() > self._limit_bytes:
            log.warning(
                "the engines alone have %d MB, worker_memory_mb allows %d: the limit is not heeded",
                own_bytes() >> 20,
                self._limit_bytes >> 20,
            )
            self._limit_bytes = 0
        if self._limit_bytes:
            PROCESS_LIMIT.labels(process_name()).set(self._limit_bytes)

    def is_exceeded(self) -> bool:
        """Whether the worker should end after its job; logged once."""
        if not self._limit_bytes:
            return False
        used = own_bytes()
        if used <= self._limit_bytes:
            return False
        if not self._is_logged:
            self._is_logged = True
            log.warning(
                "this worker has %d MB, worker_memory_mb allows %d: it ends after its job and is started anew",
                used >> 20,
                self._limit_bytes >> 20,
            )
        return True
