"""The processes of one `rider up`, which share their metrics by files in `PROMETHEUS_MULTIPROC_DIR`.

Each has a name that its restarts keep, so that it goes on in the files of its predecessor: there are as many files as
names. A process holds a lock as long as it lives, whatever ends it; by that lock others know that its gauges count.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

#: Environment variables: the folder, which prometheus_client reads as well, and this process's name.
FOLDER_VARIABLE, NAME_VARIABLE = "PROMETHEUS_MULTIPROC_DIR", "RIDER_PROCESS"
#: Who looks whether a process lives holds its lock for some microseconds. A process that starts tries this long to get
#: its lock, in seconds.
LOCK_PATIENCE_S = 0.2
_LOCK_SUFFIX = ".lock"


@dataclass(frozen=True)
class Member:
    """A process that has shared its metrics.

    Attributes:
        pid: Its process id; None: it does not live.
    """

    name: str
    pid: int | None


@dataclass(frozen=True)
class Membership:
    """This process among those that share.

    Attributes:
        restarted: A process of this name has run before.
        lock: File descriptor of the lock.
    """

    name: str
    restarted: bool
    lock: int

    def outlive_exec(self) -> None:
        """Let the program that replaces this one hold the lock."""
        os.set_inheritable(self.lock, True)


def shared_folder() -> Path | None:
    """The folder of the shared files; None: this process shares nothing."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return Path(folder) if folder else None


def join(patience_s: float = LOCK_PATIENCE_S) -> Membership | None:
    """Take this process's name. None: it has none, another process has it, or there is no folder.

    Gauges of the predecessor are deleted: they would be taken for this process's.

    Args:
        patience_s: How long to wait for a process that has the name and may be about to end, in seconds.
    """
    folder, name = shared_folder(), os.environ.get(NAME_VARIABLE, "").replace("_", "-")
    if folder is None or not name:
        return None
    try:
        lock = os.open(folder / f"{name}{_LOCK_SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        log.error("the metrics of this process are missing from /metrics until it is restarted: %s", error)
        return None
    if not _locked(lock, patience_s):
        os.close(lock)
        return None
    own = b"%d" % os.getpid()
    # This process's id stands there where it has replaced itself by another program.
    restarted = os.pread(lock, 20, 0) not in (b"", own)
    with contextlib.suppress(OSError):  # on a full disk this process has no `rider_process_...`
        os.ftruncate(lock, 0)
        os.pwrite(lock, own, 0)
    for gauges in folder.glob(f"gauge_live*_{name}.db"):
        gauges.unlink(missing_ok=True)
    return Membership(name, restarted, lock)


def members(folder: Path) -> list[Member]:
    """All processes that have shared their metrics, by name."""
    return [
        Member(file.name.removesuffix(_LOCK_SUFFIX), _holder(file)) for file in sorted(folder.glob(f"*{_LOCK_SUFFIX}"))
    ]


def files_that_count(folder: Path, all_members: list[Member]) -> list[str]:
    """The files of metrics without the gauges of processes that do not live."""
    dead = {member.name for member in all_members if member.pid is None}
    return [
        str(file)
        for file in sorted(folder.glob("*.db"))
        if not (file.name.startswith("gauge_live") and file.stem.rpartition("_")[2] in dead)
    ]


def _locked(lock: int, patience_s: float) -> bool:
    end = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(LOCK_PATIENCE_S / 20)
        except OSError:  # a file system without locks
            return False
        else:
            return True


def _holder(file: Path) -> int | None:
    """The process that holds this lock; None: no process does."""
    with contextlib.suppress(OSError), file.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = lock.read(20)
            return int(text) if text.isdigit() else None
    return None
