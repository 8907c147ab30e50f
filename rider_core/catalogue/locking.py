"""A lock between processes, for one pull of a model at a time. The kernel frees it when its holder dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: Interval of the attempts to take the lock, in seconds.
_RETRY_EVERY_S = 0.2


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock `path`. While another process holds it, `waiting` is called about five times a second.

    There is no timeout, because a download has none; Ctrl-C ends the wait.
    """
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(_RETRY_EVERY_S)
        yield
