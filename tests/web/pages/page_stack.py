"""The panel with everything behind it for several tests: Valkey, a worker with real and mock engines, a scheduler, and
the link to a simulated robot.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from harness import plain_http
from harness.robot_harness import robot_harness
from panel_harness import PanelHarness
from playwright.sync_api import Locator, Page, expect

from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

#: Installed everywhere, quick to open, and needs no model.
ENGINES = frozenset({"echo", "espeak", "vision-tracking"})


class PageStack:
    """
    Attributes:
        url: Of the panel.
        robot: The simulated robot, in this process.
    """

    def __init__(
        self,
        folder: Path,
        mode: str,
        engines: frozenset[str] = ENGINES,
        queues: tuple[str, ...] = ("voice", "vision"),
    ) -> None:
        """
        Args:
            engines: Names of their plugins.
            queues: What the worker serves. Nobody serves the others: their jobs wait.
        """
        self.processes = Processes(folder)
        environment = self.processes.environment
        disabled = set(environment["RIDER_PLUGINS_DISABLED"].split(",")) - engines
        environment["RIDER_PLUGINS_DISABLED"] = ",".join(sorted(disabled))
        (folder / "v").mkdir()
        self._valkey = Valkey(folder / "v")
        self.panel = PanelHarness(self.processes, self._valkey, mode)
        self._robot = ExitStack()
        robot = self._robot.enter_context(robot_harness(self.processes, self._valkey))
        environment["RIDER_MODEL_PATH"] = str(_models(folder / "models"))
        self.processes.fork("rider_core.cli.main", "worker", *queues, log="worker")
        self.processes.fork("rider_core.cli.main", "scheduler", log="scheduler")
        self._link = robot.start_link()
        self.robot = robot.robot
        self.panel.start()
        self.url = self.panel.url
        wait_until(lambda: all(self._workers(queue) for queue in queues), what="a worker's start")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of the REST interface's answer; None where it has none."""
        answer = plain_http.request(method, f"{self.url}/api/v1{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def submit(self, task: str, payload: dict[str, Any], **more: Any) -> str:
        """The id of the job."""
        return str(self.ask("POST", "/jobs", {"task": task, "payload": payload, **more})["id"])

    def wait(self, job_id: str, state: str) -> None:
        wait_until(lambda: self.state(job_id) == state, what=f"job {job_id} is {state}")

    def state(self, job_id: str) -> str:
        return str(self.ask("GET", f"/jobs/{job_id}")["job"]["state"])

    def fail(self, **more: Any) -> str:
        """A job that has failed: its id. The picture is none."""
        job_id = self.submit("vision.detect", {"image": "bm8gcGljdHVyZQ=="}, provider="echo-detector", **more)
        self.wait(job_id, "failed")
        return job_id

    @contextmanager
    def link_stopped(self) -> Iterator[None]:
        """The link's process does nothing meanwhile."""
        os.kill(self._link.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._link.pid, signal.SIGCONT)

    def stop(self) -> None:
        self.panel.connection.close()
        self.processes.end_all()
        self._robot.close()
        self._valkey.stop()

    def _workers(self, queue: str) -> int:
        queues = self.ask("GET", "/queues")["queues"]
        return int(next(each["workers"] for each in queues if each["queue"] == queue))


def _models(folder: Path) -> Path:
    """The models of the test run: those that are used in place, and those that it has fetched."""
    folder.mkdir()
    run = Path(os.environ.get("RIDER_DATA_DIR", "/nowhere")) / "models"
    for source in filter(Path.is_dir, (run, Path(os.environ.get("RIDER_MODEL_PATH", "/nowhere")))):
        for file in source.iterdir():
            if not (folder / file.name).exists():
                (folder / file.name).symlink_to(file.resolve())
    return folder


def open_page(page: Page, stack: PageStack, path: str) -> None:
    """Open a page by its address, and wait until it is live."""
    page.goto(stack.url + path)
    expect(page.locator(".connection .good")).to_be_visible()


def press(place: Page | Locator, name: str) -> None:
    place.get_by_role("button", name=name, exact=True).click()


def notice(page: Page, text: str) -> Locator:
    """The notice that says this."""
    found = page.locator(".notice").filter(has_text=text)
    expect(found).to_be_visible()
    return found


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"{name}-{time.monotonic_ns() % 10**9}"
