"""The record of the latest change of the installed plugins, its log, and the lock: one change at a time.

Another process makes the change (`plugin_installer.py`); everybody may read how far it is.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from typing import Literal

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.config import Settings
from rider_core.errors import Conflict
from rider_core.printable import printable, without_passwords
from rider_core.runtime.data_folder import make_data_folder, make_subfolder

Action = Literal["install", "remove"]
Phase = Literal["starting", "installing", "removing", "checking", "undoing", "done", "failed"]
ENDED = frozenset({"done", "failed"})
#: Lines of the log that are shown, and the bytes at its end that they are taken from.
SHOWN_LINES, SHOWN_BYTES, SHOWN_CHARACTERS = 200, 64 * 1024, 500
#: `is_running` holds the lock for a moment: it is tried again before it counts as taken.
_ATTEMPTS, _RETRY_S = 5, 0.02


class PluginChange(Message):
    """A change of the installed plugins, running or ended."""

    action: Action
    package: str = Field(description="the Python distribution")
    by: str = Field(description="who asked for it")
    phase: Phase
    started_ts: float
    ended_ts: float | None = None
    version: str = Field("", description="of the package, where it is known")
    plugins: tuple[str, ...] = Field((), description="that the package brings")
    problem: str = Field("", description="why it failed; it was undone unless this says otherwise")
    remedy: str | None = None


class PluginChangeRecord:
    """Files in the data folder. A process that dies leaves the lock free, and a phase that is not an end."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.data_dir / "run"
        self.log = self.folder / "plugin-change.log"
        self._file = self.folder / "plugin-change.json"
        self._lock = self.folder / "plugin-change.lock"
        self._data_dir = settings.data_dir

    def acquire(self) -> int:
        """Take the lock. Returns its file descriptor: closing it, or the end of its last holder, frees the lock.

        Raises:
            Conflict: another change is under way.
            ConfigError: the data folder cannot be used.
        """
        make_data_folder(self._data_dir)
        make_subfolder(self.folder)
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        for _ in range(_ATTEMPTS):
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            time.sleep(_RETRY_S)
        os.close(lock)
        latest = self.read()
        what = f"{latest.action} {latest.package}" if latest else "a change of the plugins"
        raise Conflict(f"{what!r} is under way", remedy="wait until it has ended, then try again")

    def is_running(self) -> bool:
        """Whether a change is under way."""
        try:
            lock = os.open(self._lock, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def read(self) -> PluginChange | None:
        """The latest change; None: there was none, or its record is damaged."""
        try:
            return PluginChange.model_validate_json(self._file.read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, change: PluginChange) -> None:
        """Replace the record at once: a reader never sees half of it."""
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(change.model_dump(mode="json")))
        os.replace(new, self._file)

    def open_log(self) -> int:
        """A file descriptor of the emptied log; what is written goes to its end."""
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)

    def lines(self) -> list[str]:
        """The last lines of the log."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - SHOWN_BYTES))
                lines = file.read(SHOWN_BYTES).decode("utf-8", "replace").splitlines()[-SHOWN_LINES:]
                return [printable(without_passwords(line))[:SHOWN_CHARACTERS] for line in lines]
        except OSError:
            return []
