"""The panel as a process, and over HTTP, in both async modes."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket

import pytest
import socketio
from panel_harness import PanelHarness, Watch

import rider_core
from rider_core.testing.processes import install_plugin
from rider_core.testing.waiting import wait_until
from rider_core.web.security import SECURITY_HEADERS

pytestmark = pytest.mark.slow

#: It takes less than a second on an idle machine. A browser that polls would hold it for 25 s.
STOP_LIMIT_S = 10.0

CLINGY = """
import socket
from rider_core.api import hookimpl
RIDER_API = "1.0"

def cling():
    one, _other = getattr(socket, "socketpair")()
    one.recv(1)

@hookimpl
def on_shutdown(services):
    cling()
"""

PLUGIN = """
import os
from flask import Blueprint
from rider_core.api import hookimpl
RIDER_API = "1.0"
page = Blueprint("page", __name__)

@page.get("/hello")
def hello():
    return "hello from a plugin"

@hookimpl
def register_routes(register):
    register("this is no blueprint")
    register(page)

@hookimpl
def on_event(event):
    with open(os.environ["EVENTS"], "a") as file:
        file.write(event.kind + "\\n")
"""


def test_it_serves_its_page_and_says_where(panel: PanelHarness) -> None:
    panel.start(fresh=True)
    page = panel.get("/")
    assert page.status_code == 200
    assert "<script" in page.text
    assert not re.search(r"<script(?![^>]*src=)|<style| on\w+=", page.text), (
        "the page's policy lets no inline script run"
    )
    for name in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        assert panel.get(name).status_code == 200
    parts = re.findall(r'"\./([\w-]+\.js)"', panel.get("/static/app.js").text)
    assert parts
    for part in parts:  # their names change with their content
        answer = panel.get(f"/static/{part}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000")
    assert "deprecated" not in panel.processes.log("panel.log").lower()
    for path in ("/", "/api/v1/status", "/nowhere", "/static/app.js", "/socket.io/?EIO=4&transport=polling"):
        headers = panel.get(path).headers
        assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, path


def test_a_password_guards_the_socket_too(panel: PanelHarness, watch: Watch) -> None:
    panel.start(RIDER_WEB_PASSWORD="open sesame")
    assert panel.get("/api/v1/status").status_code == 401
    before, after = panel.get("/").text, panel.get("/", auth=("rider", "open sesame")).text
    assert before == after
    assert rider_core.__version__ not in before, "before signing in the page tells nothing"
    assert panel.get("/healthz").json() == {"status": "ok", "redis": "up"}
    with pytest.raises(socketio.exceptions.ConnectionError):
        watch(transport="websocket")
    watcher = watch(transport="websocket", headers={"Authorization": "Basic cmlkZXI6b3BlbiBzZXNhbWU="})
    wait_until(lambda: watcher.messages)
    assert "sesame" not in panel.get("/api/v1/status", auth=("rider", "open sesame")).text
    assert "sesame" not in panel.processes.log("panel.log")


def test_beyond_loopback_it_needs_a_password(panel: PanelHarness) -> None:
    process = panel.processes.start("-m", "rider_core.web", log="panel.log", RIDER_WEB_HOST="0.0.0.0")
    assert process.wait(20) == 1
    assert "RIDER_WEB_PASSWORD" in panel.processes.log("panel.log")
    assert "Traceback" not in panel.processes.log("panel.log")


def test_a_port_in_use_is_named(panel: PanelHarness) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = panel.processes.start("-m", "rider_core.web", log="panel.log", RIDER_WEB_PORT=str(port))
        assert process.wait(20) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in panel.processes.log("panel.log")
    assert "Traceback" not in panel.processes.log("panel.log")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_and_before_it_is_killed(panel: PanelHarness, watch: Watch, number: signal.Signals) -> None:
    process = panel.start(fresh=True)
    wait_until(lambda: panel.get("/healthz").json()["redis"] == "up")
    for transport in ("websocket", "polling"):
        watch(transport=transport)
    panel.end_job("last")
    process.send_signal(number)
    assert process.wait(STOP_LIMIT_S) == 0
    assert "Traceback" not in panel.processes.log("panel.log")
    events = [fields[b"event"] for _, fields in panel.connection.xrange("rider:events")]
    assert any(b'"stopped"' in event and b'"panel"' in event for event in events)


def test_a_shutdown_that_hangs_ends_with_the_stacks_in_the_log(panel: PanelHarness) -> None:
    install_plugin(panel.processes.folder, "clingy", CLINGY)
    process = panel.start(fresh=True)
    process.terminate()
    assert process.wait(20) == 1
    log = panel.processes.log("panel.log")
    assert "the shutdown of this process hangs" in log
    assert "in cling" in log


def test_a_signal_that_another_thread_gets_ends_it_too(panel: PanelHarness) -> None:
    process = panel.start(fresh=True)
    wait_until(lambda: panel.get("/healthz").json()["redis"] == "up")
    threads = [int(name) for name in os.listdir(f"/proc/{process.pid}/task")]
    other = next((thread for thread in threads if thread != process.pid), process.pid)  # eventlet may have none
    assert ctypes.CDLL(None).tgkill(process.pid, other, signal.SIGTERM) == 0
    assert process.wait(10) == 0


def test_plugins_are_shown_called_and_isolated(panel: PanelHarness, watch: Watch) -> None:
    install_plugin(panel.processes.folder, "panel-extra", PLUGIN)
    install_plugin(panel.processes.folder, "broken-one", "raise RuntimeError('<b>not today</b>')")
    events = panel.processes.folder / "events"
    panel.start(EVENTS=str(events))
    assert panel.get("/hello").text == "hello from a plugin"
    assert "the routes of this is no blueprint cannot be added" in panel.processes.log("panel.log")
    shown = {plugin["name"]: plugin for plugin in panel.get("/api/v1/plugins").json()["plugins"]}
    assert shown["panel-extra"]["state"] == "loaded"
    assert (shown["broken-one"]["state"], shown["broken-one"]["reason"]) == (
        "failed",
        "RuntimeError: <b>not today</b>",
    )
    wait_until(lambda: panel.get("/healthz").json()["redis"] == "up")
    panel.transcript("for the plugin")
    wait_until(lambda: events.exists() and "robot.transcript" in events.read_text(), what="on_event")


def test_the_api(panel: PanelHarness) -> None:
    panel.start()
    wait_until(lambda: panel.get("/api/v1/status").json()["sections"].get("queues"))
    panel.transcript("through the API")
    wait_until(lambda: "through the API" in panel.get("/api/v1/status").text)
    assert panel.get("/api/v1/jobs?limit=5").json() == {"jobs": [], "next": None, "total": 0}
    for limit in ("0", "-1", "201", "x", "1.5", "٣", "9" * 5000):
        answer = panel.get(f"/api/v1/jobs?limit={limit}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    missing = panel.get("/api/nothing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def test_a_mode_from_the_file_counts(panel: PanelHarness) -> None:
    other = {"eventlet": "threading", "threading": "eventlet"}[panel.mode]
    data = panel.processes.folder / "data"
    data.mkdir()
    (data / "rider.toml").write_text(f'async_mode = "{other}"\n')
    del panel.processes.environment["RIDER_ASYNC_MODE"]
    panel.start(fresh=True)
    assert f"({other})" in panel.processes.log("panel.log")
