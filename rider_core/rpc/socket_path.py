"""A Unix socket in a folder of its own: open to its owner alone, with one server, and a path of any length."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from rider_core.errors import ConfigError

#: Bytes of a socket's path in the kernel's structure, the final NUL excluded.
MAX_PATH_BYTES = 107
#: Connections that the kernel accepts on our behalf while the server's thread does something else.
BACKLOG = 128
_PROC = "/proc/self/fd"


class OwnedSocket:
    """Listens on `path`. The lock beside it ends with the process, so a killed process's socket is replaced."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            ConfigError: another process listens there.
            OSError: the folder cannot be used.
        """
        self._path = path
        _prepare(path.parent)
        self._lock = _locked(path)
        try:
            self.listener = _bound(path)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Stop listening, and remove the socket: later clients learn at once that there is no server."""
        self.listener.close()
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._lock)


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name of the socket that fits the kernel's limit: its own, or one through an open folder (Linux only).

    Raises:
        OSError: the folder does not exist, or the path is too long and this is not Linux.
    """
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        yield str(path)
        return
    if not sys.platform.startswith("linux"):
        raise OSError(f"its path is longer than {MAX_PATH_BYTES} bytes")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"{_PROC}/{folder}/{path.name}"
    finally:
        os.close(folder)


def _prepare(folder: Path) -> None:
    """Make the folder, open to its owner alone. Another user's folder is rejected: they could replace the socket."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise OSError(f"{folder} is not a folder of this user")
    if stat.S_IMODE(status.st_mode) != 0o700:
        folder.chmod(0o700)


def _locked(path: Path) -> int:
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise ConfigError(
            f"another process (number {owner}) listens on {path} already",
            remedy="end it first, or set RIDER_DATA_DIR to a folder of its own",
        ) from None
    except OSError:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _bound(path: Path) -> socket.socket:
    """The listening socket. No other user can connect before its mode is set: only the owner can enter the folder."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_path(path) as name:
            listener.bind(name)
        path.chmod(0o600)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
