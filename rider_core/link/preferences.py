"""People's preference for each domain, and the history of switches, in one small file that outlives a restart.

Written on a change only, never for a frame or a chunk of sound. The file is in the data folder, because the link must
know the preferences also while Redis is away.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from rider_core.api.messages import Message
from rider_core.api.steering import MAX_SWITCHES, Choice, Switch

log = logging.getLogger(__name__)

#: The file has up to about 40 KB; a larger one was written by another program.
MAX_FILE_BYTES = 1024 * 1024


class Preference(Message):
    """A person's choice for a domain. An empty `by`: no person has chosen yet."""

    choice: Choice = "automatic"
    by: str = Field("", max_length=64, description="where it was chosen: panel, command line, API")
    why: str = Field("", max_length=200, description="in that person's words")
    ts: float = Field(0.0, description="seconds since the epoch")


class _PreferencesFile(Message):
    preferences: dict[str, Preference] = Field(default_factory=dict)
    #: Domain to the last mode and reason that the robot reported: shows what changed while the link was down.
    seen: dict[str, tuple[str, str]] = Field(default_factory=dict)
    switches: tuple[Switch, ...] = Field((), max_length=MAX_SWITCHES)


class Preferences:
    """May be used from several threads."""

    def __init__(self, path: Path | None) -> None:
        """
        Args:
            path: The file; None: preferences and history are kept in memory.
        """
        self._path = path
        self._lock = threading.Lock()
        self._can_write = True
        saved = _read(path) if path is not None else _PreferencesFile()
        self._preferences = dict(saved.preferences)
        self._seen = dict(saved.seen)
        self._switches = deque(saved.switches, MAX_SWITCHES)

    def of(self, domain: str) -> Preference:
        return self._preferences.get(domain, _NONE)

    def prefer(self, domain: str, preference: Preference) -> None:
        with self._lock:
            self._preferences[domain] = preference
            self._write()

    def last_seen(self, domain: str) -> tuple[str, str]:
        """The last reported mode and reason; both empty: none."""
        return self._seen.get(domain, ("", ""))

    def note(self, domain: str, mode: Literal["local", "pc"], by: str, reason: str) -> None:
        """Keep a domain's reported mode and reason; a change of the mode is added to the history."""
        with self._lock:
            if self.last_seen(domain)[0] != mode:
                self._switches.append(Switch(ts=time.time(), domain=domain, mode=mode, by=by, reason=reason))
            self._seen[domain] = (mode, reason)
            self._write()

    @property
    def switches(self) -> list[Switch]:
        """The history, oldest first."""
        with self._lock:
            return list(self._switches)

    def _write(self) -> None:
        if self._path is None:
            return
        content = _PreferencesFile(preferences=self._preferences, seen=self._seen, switches=tuple(self._switches))
        new = self._path.with_suffix(".new")
        try:
            new.write_text(content.model_dump_json(indent=1), encoding="utf-8")
            os.replace(new, self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink()
            if self._can_write:
                log.error("people's preferences for the robot's domains cannot be saved: %s", error)
            self._can_write = False
        else:
            self._can_write = True


_NONE = Preference()


def _read(path: Path) -> _PreferencesFile:
    """The file's content. An unreadable file is renamed, with a warning, and the link starts without it."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError(f"it is larger than {MAX_FILE_BYTES} bytes")
        return _PreferencesFile.model_validate(json.loads(content))
    except FileNotFoundError:
        return _PreferencesFile()
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        aside = path.with_suffix(".damaged")
        with contextlib.suppress(OSError):
            os.replace(path, aside)
        log.warning("%s cannot be read and was put aside as %s: %s", path, aside.name, str(error).splitlines()[0])
        return _PreferencesFile()
