"""One pull of a model at a time, over processes: a lock file that the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_EVERY_S = 0.2


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock `path`; while someone else holds it, `waiting` is called about five times a second.

    It waits as long as the other one lives: a download has no time limit, and whoever is fed up presses Ctrl-C.
    """
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(_LOOK_EVERY_S)
        yield
