"""Models over HTTP: from a server that is slow, breaks off, or sends wrong content; and who may remove what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.model_plugin import BODIES, HUGE, install_models
from harness.model_server import FileServer, Served
from rest_harness import RestHarness

from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

BODY = BODIES["ears"]
HALF = len(BODY) // 2


class Models:
    """A panel with the plugin of `harness.model_plugin`, and the server of its models."""

    def __init__(self, rest: RestHarness, server: FileServer) -> None:
        self.rest, self.server = rest, server
        install_models(rest.panel.processes.folder, server.url)
        self.folder = rest.panel.processes.folder / "data" / "models"

    def start(self) -> None:
        self.rest.start()

    def serve(self, name: str = "ears", **options: Any) -> Served:
        self.server.files[f"/{name}"] = Served(BODIES[name], **options)
        return self.server.files[f"/{name}"]

    def get(self, name: str = "ears") -> Any:
        return self.rest.ask("GET", f"/models/{name}")

    def download(self, name: str = "ears") -> Any:
        return self.rest.ask("POST", f"/models/{name}/download", 202)

    def operation(self, name: str = "ears") -> Any:
        """As the live state has it, that every page gets."""
        return self.rest.ask("GET", "/status")["sections"]["models"][name]

    def wait(self, state: str, name: str = "ears") -> Any:
        wait_until(lambda: self.operation(name)["state"] == state, what=f"{name} is {state}")
        return self.operation(name)

    def check_resumed(self) -> None:
        """The last request was for the rest of the file: what was not written yet may have been lost."""
        span = self.server.requests[-1][1] or "bytes=0-"
        assert 0 < int(span.removeprefix("bytes=").rstrip("-")) <= HALF

    def changes(self) -> int:
        return int(self.rest.ask("GET", "/status")["sections"].get("changes", {}).get("models", 0))


@pytest.fixture
def server() -> Iterator[FileServer]:
    started = FileServer()
    yield started
    started.close()


@pytest.fixture
def models(rest: RestHarness, server: FileServer) -> Models:
    return Models(rest, server)


def test_a_download_is_seen_by_all_while_the_panel_answers(models: Models) -> None:
    models.start()
    listed = {it["name"]: it for it in models.rest.ask("GET", "/models")["models"]}
    assert listed.keys() == {*BODIES, HUGE}
    ears = listed["ears"]
    assert (ears["state"], ears["licence_url"], ears["plugin"]) == (
        "missing",
        "https://spdx.org/licenses/MIT.html",
        "listening",
    )
    assert ears["sources"] == [{"hosts": ["127.0.0.1"], "packages": []}]
    assert ears["providers"] == [{"name": "listener", "domain": "speech_to_text", "needs_it": True, "used": True}]
    assert not listed["nose"]["providers"][0]["needs_it"]
    served = models.serve(pause_at=HALF)
    models.download()
    wait_until(lambda: models.operation()["done_bytes"] == HALF, what="half of it")
    began = time.monotonic()
    for _ in range(20):
        models.rest.ask("GET", "/models")
    assert time.monotonic() - began < 20 * 0.1
    operation = models.download()["operation"]
    assert (operation["state"], operation["phase"], operation["total_bytes"]) == ("running", "downloading", len(BODY))
    before = models.changes()
    served.resume.set()
    models.wait("done")
    wait_until(lambda: models.changes() > before, what="open pages read the list again")
    ears = models.get()
    assert (ears["state"], ears["path"], ears["partial_bytes"]) == ("installed", str(models.folder / "ears.bin"), 0)
    assert time.time() - ears["verified_ts"] < 60
    assert (models.folder / "ears.bin").read_bytes() == BODY
    assert models.download()["operation"]["state"] == "done", "it is there already"
    assert len(models.server.requests) == 1
    assert "download_model" in {it["action"] for it in models.rest.ask("GET", "/audit")["entries"]}


def test_a_cancelled_download_goes_on_later(models: Models) -> None:
    models.start()
    models.serve(pause_at=HALF)
    models.download()
    wait_until(lambda: models.operation()["done_bytes"] == HALF, what="half of it")
    assert models.rest.problem("DELETE", "/models/ears", 409)[1] == "model 'ears' is being downloaded or verified"
    models.rest.ask("DELETE", "/models/ears/download")
    models.wait("cancelled")
    assert models.rest.problem("DELETE", "/models/ears/download", 409)[0] == "conflict"
    assert models.get()["state"] == "partial"
    assert 0 < models.get()["partial_bytes"] <= HALF
    models.serve()
    models.download()
    models.wait("done")
    models.check_resumed()
    assert (models.folder / "ears.bin").read_bytes() == BODY


@pytest.mark.parametrize("wrong", [Served(status=404), Served(b"x" * len(BODY)), Served(b"short")])
def test_a_failed_download_says_why_and_can_be_tried_again(models: Models, wrong: Served) -> None:
    models.start()
    models.server.files["/ears"] = wrong
    models.download()
    failed = models.wait("failed")
    assert models.server.url + "/ears" in failed["problem"]
    assert "RIDER_MODEL_PATH" in failed["remedy"]
    models.serve()
    models.download()
    assert models.wait("done")["problem"] == ""


def test_a_damaged_file_is_found_and_repaired(models: Models) -> None:
    models.start()
    models.serve()
    assert models.rest.problem("POST", "/models/ears/verification", 409)[1] == "model 'ears' is not installed"
    models.download()
    models.wait("done")
    file = models.folder / "ears.bin"
    file.write_bytes(BODY[:-1] + bytes([BODY[-1] ^ 1]))
    assert (models.get()["state"], models.get()["verified_ts"]) == ("installed", None), "nobody has read it yet"
    models.rest.ask("POST", "/models/ears/verification", 202)
    assert "is damaged" in models.wait("failed")["problem"]
    assert models.get()["state"] == "damaged"
    assert "SHA-256" in models.get()["damage"]
    models.download()
    models.wait("done")
    assert file.read_bytes() == BODY
    models.rest.ask("POST", "/models/ears/verification", 202)
    assert models.wait("done")["kind"] == "verification"
    assert models.get()["verified_ts"] is not None


def test_what_an_engine_needs_is_removed_on_purpose_only(models: Models) -> None:
    models.start()
    for name in ("ears", "nose"):
        models.serve(name)
        models.download(name)
        models.wait("done", name)
    code, detail = models.rest.problem("DELETE", "/models/ears", 409)
    assert (code, detail) == ("conflict", "model 'ears' is needed by listener")
    assert models.rest.ask("DELETE", "/models/nose") == {"freed_bytes": len(BODY)}
    assert models.rest.ask("DELETE", "/models/ears?force=true") == {"freed_bytes": len(BODY)}
    assert models.rest.problem("DELETE", "/models/ears?force=true", 409)[1] == "model 'ears' is not installed"
    assert not list(models.folder.glob("*.bin"))
    entry = models.rest.ask("GET", "/audit")["entries"][0]
    assert (entry["action"], entry["before"]["state"], entry["after"]) == ("remove_model", "installed", {"force": True})
    assert models.get()["operation"] is None
    models.rest.problem("DELETE", "/models/nobody", 404)
    models.rest.problem("POST", "/models/nobody/download", 404)


def test_a_file_of_the_users_own_stays(models: Models, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "ears.bin").write_bytes(BODY)
    models.rest.panel.processes.environment["RIDER_MODEL_PATH"] = str(own)
    models.start()
    assert (models.get()["local"], models.get()["state"]) == (True, "installed")
    assert "is your own file" in models.rest.problem("DELETE", "/models/ears?force=true", 409)[1]
    (own / "ears.bin").write_bytes(b"too short")
    assert "is a file of your own" in models.rest.problem("POST", "/models/ears/download", 409)[1]
    assert (own / "ears.bin").exists()


def test_a_full_disk_is_noticed_before_anything_is_fetched(models: Models) -> None:
    models.start()
    assert "the disk of" in models.rest.problem("POST", f"/models/{HUGE}/download", 409)[1]
    assert models.get(HUGE)["operation"] is None
    assert not models.server.requests


def test_two_run_at_a_time_and_the_others_wait(models: Models) -> None:
    models.start()
    served = {name: models.serve(name, pause_at=HALF) for name in BODIES}
    first, second, third, fourth = BODIES
    for name in BODIES:
        models.download(name)
    for name in (first, second):
        wait_until(lambda name=name: models.operation(name)["done_bytes"] == HALF, what="half of it")
    assert [models.operation(name)["state"] for name in (third, fourth)] == ["queued", "queued"]
    assert len(models.server.requests) == 2
    models.rest.ask("DELETE", f"/models/{third}/download")
    served[first].resume.set()
    models.wait("done", first)
    wait_until(lambda: models.operation(fourth)["done_bytes"] == HALF, what="the fourth runs")
    assert models.operation(third)["state"] == "cancelled"
    assert {path for path, _ in models.server.requests} == {f"/{name}" for name in (first, second, fourth)}


def test_a_download_ends_with_its_panel_and_is_resumed_by_the_next(models: Models) -> None:
    models.serve(pause_at=HALF)
    others = set(models.rest.panel.processes.environment["RIDER_PLUGINS_DISABLED"].split(",")) - {"echo"}
    panel = models.rest.panel.start(RIDER_PLUGINS_DISABLED=",".join(sorted(others)))
    models.download()
    wait_until(lambda: models.operation()["done_bytes"] == HALF, what="half of it")
    (child,) = children_of(panel.pid)
    panel.kill()
    panel.wait()
    wait_until(lambda: not Path(f"/proc/{child}").exists(), what="its process has ended")
    models.serve()
    models.start()
    assert models.get()["state"] == "partial"
    models.download()
    models.wait("done")
    models.check_resumed()


def children_of(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
