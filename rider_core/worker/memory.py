"""How much memory this process has for itself, and whether that is more than it may have."""

from __future__ import annotations

import ctypes
import logging
import re
import resource
import sys
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_STATUS = Path("/proc/self/status")
_OWN = re.compile(rb"RssAnon:\s+(\d+) kB")


def own_bytes() -> int:
    """What was allocated; files that are mapped, such as models, are shared and can be dropped. 0: it is not known."""
    try:
        found = _OWN.search(_STATUS.read_bytes())
    except OSError:  # not Linux: the largest it ever was
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return int(found[1]) * 1024 if found else 0


def give_back_unused() -> None:
    """Return what was allocated and freed again to the system, which libc keeps for what may come. Only glibc can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class MemoryLimit:
    """Of one worker: an engine that leaks is started anew before the machine has no memory left."""

    def __init__(self, limit_mb: int) -> None:
        """
        Args:
            limit_mb: 0: none.
        """
        self._limit_bytes = limit_mb << 20
        self._is_told = False

    def start(self) -> None:
        """The engines are open. What they have from the beginning would not be less after another start."""
        if self._limit_bytes and own_bytes() > self._limit_bytes:
            log.warning(
                "the engines alone have %d MB, worker_memory_mb allows %d: the limit is not heeded",
                own_bytes() >> 20,
                self._limit_bytes >> 20,
            )
            self._limit_bytes = 0

    def is_exceeded(self) -> bool:
        """Whether the worker should end after its job; told once."""
        if not self._limit_bytes:
            return False
        has = own_bytes()
        if has <= self._limit_bytes:
            return False
        if not self._is_told:
            self._is_told = True
            log.warning(
                "this worker has %d MB, worker_memory_mb allows %d: it ends after its job and is started anew",
                has >> 20,
                self._limit_bytes >> 20,
            )
        return True
