"""The panel as a process on a real Valkey, and a Socket.IO client in the role of a browser."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import socketio
from forked_panel import ForkedPanel
from harness import plain_http

from rider_core.api import Event
from rider_core.api.events import HOUSE_STREAM
from rider_core.database import Database
from rider_core.eventbus import encode_event
from rider_core.runtime.redis_connection import connect
from rider_core.testing.processes import Processes, Started
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

#: The file with the panel's output.
LOG = "panel.log"


class PanelHarness:
    """Starts a panel, and publishes events for it."""

    def __init__(self, processes: Processes, valkey: Valkey, mode: str) -> None:
        self.processes, self.valkey, self.mode = processes, valkey, mode
        self.connection = connect(valkey.url)
        self.database = processes.folder / "rider.db"
        database = Database(f"sqlite:///{self.database}")
        database.upgrade()
        database.close()
        processes.environment.update(
            REDIS_URL=valkey.url,
            DATABASE_URL=f"sqlite:///{self.database}",
            RIDER_WEB_PORT="0",
            RIDER_ASYNC_MODE=mode,
        )
        self.url = ""

    def start(self, *, fresh: bool = False, **environment: str) -> Started:
        """Start the panel, and wait until it logs its address.

        Args:
            fresh: As a process of its own, where a test is about the start or the end. Else it is a fork of one that
                has imported the panel, which takes a quarter of the time, unless it has an interpreter of its own.
        """
        forked = not fresh and self.processes.python == sys.executable
        process = self._forked(environment) if forked else self._fresh(environment)
        before = self.url

        def started() -> bool:
            assert process.poll() is None, self.processes.log(LOG)
            found = re.findall(r"the panel is at (http://\S+?)/ ", self.processes.log(LOG))
            self.url = found[-1] if found else ""
            return bool(self.url) and self.url != before

        wait_until(started, what="the panel's start")
        return process

    def _fresh(self, environment: dict[str, str]) -> Started:
        return self.processes.start("-m", "rider_core.web", log=LOG, **environment)

    def _forked(self, environment: dict[str, str]) -> Started:
        folder = self.processes.folder
        process = ForkedPanel(self.mode, {**self.processes.environment, **environment}, folder, folder / LOG)
        self.processes.add(process)
        return process

    def get(self, path: str, **options: Any) -> httpx.Response:
        return plain_http.get(self.url + path, **options)

    def publish(self, kind: Any, job_id: str | None = None, ts: float | None = None, **data: Any) -> None:
        event = Event(kind=kind, ts=ts or time.time(), source="test", job_id=job_id, data=data)
        self.connection.xadd(HOUSE_STREAM, encode_event(event))

    def end_job(self, job_id: str, kind: str = "job.done", **data: Any) -> None:
        about = {"task": "voice.transcribe", "queue": "voice", "origin": "robot", "priority": "high", "attempts": 1}
        self.publish(kind, job_id, **{**about, "provider": "whisper", "waited_ms": 12, "ran_ms": 345.5, **data})

    def transcript(self, text: str, **data: Any) -> None:
        self.publish(
            "robot.transcript", text=text, language="en", duration_s=1.5, latency_s=0.7, provider="whisper", **data
        )


class Watcher:
    """A browser that keeps every message. `reads=False`: it acknowledges none."""

    def __init__(
        self, url: str, reads: bool = True, headers: dict[str, str] | None = None, transport: str = ""
    ) -> None:
        self.messages: list[dict[str, Any]] = []
        self.may_read = threading.Event()
        if reads:
            self.may_read.set()
        self._client = socketio.Client(reconnection=False)
        self._client.on("news", self._receive, namespace="/live")
        self._client.connect(
            url,
            headers=headers or {},
            namespaces=["/live"],
            transports=[transport] if transport else None,
            wait_timeout=10,
        )
        self._client.emit("ready", namespace="/live")

    @property
    def transport(self) -> str:
        return str(self._client.transport())

    def _receive(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.may_read.wait(30)  # the return of this call is the acknowledgement

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows that were received, in order."""
        return [row for message in list(self.messages) for row in message["rows"].get(table, [])]

    def section(self, name: str) -> Any:
        """The section's last value."""
        values = [message["sections"][name] for message in list(self.messages) if name in message["sections"]]
        return values[-1] if values else None

    def wait_for(self, table: str, **wanted: Any) -> dict[str, Any]:
        """The newest row with these values."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [row for row in self.rows(table) if wanted.items() <= row.items()]
            return bool(found)

        wait_until(there, what=f"a row of {table} with {wanted}")
        return found[-1]

    def close(self) -> None:
        self.may_read.set()
        self._client.disconnect()


#: Opens a browser on the panel.
Watch = Callable[..., Watcher]
