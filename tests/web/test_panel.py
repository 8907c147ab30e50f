"""The panel as a process, over HTTP and Socket.IO, in both async modes."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import socketio
from panel_stage import PanelStage, Watcher

from rider_core.api import JobSpec, JobState
from rider_core.jobs.ledger import Ended, Outcome
from rider_core.jobs.rq_backend import RQBackend
from rider_core.store import Store
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until
from rider_core.web.live import MAX_BROWSERS
from rider_core.web.security import SECURITY_HEADERS

Watch = Callable[..., Watcher]

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


@pytest.fixture(params=["eventlet", "threading"])
def stage(request: pytest.FixtureRequest, processes: Processes, valkey: Valkey) -> Iterator[PanelStage]:
    stage = PanelStage(processes, valkey, request.param)
    yield stage
    stage.connection.close()


@pytest.fixture
def watch(stage: PanelStage) -> Iterator[Watch]:
    """Opens browsers on the stage's panel, and closes them."""
    opened: list[Watcher] = []

    def open_one(**options: Any) -> Watcher:
        opened.append(Watcher(stage.url, **options))
        return opened[-1]

    yield open_one
    for watcher in opened:
        watcher.close()


def test_it_serves_its_page_and_says_where(stage: PanelStage) -> None:
    stage.start()
    page = stage.get("/")
    assert page.status_code == 200
    assert "<script" in page.text
    assert not re.search(r"<script(?![^>]*src=)|<style| on\w+=", page.text), (
        "the page's policy lets no inline script run"
    )
    for name in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        assert stage.get(name).status_code == 200
    assert "deprecated" not in stage.processes.log("panel.log").lower()
    for path in ("/", "/api/status", "/nowhere", "/static/app.js", "/socket.io/?EIO=4&transport=polling"):
        headers = stage.get(path).headers
        assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, path


def test_a_browser_gets_everything_and_then_what_is_new(stage: PanelStage, watch: Watch) -> None:
    stage.transcript("said before the panel was there")
    stage.end_job("before")
    stage.start()
    stage.say("robot.link", up=True, address="10.1.2.3", simulated=False, reason="")
    watcher = watch()
    watcher.wait_for("transcripts", text="said before the panel was there")
    watcher.wait_for("jobs", id="before", state="done", waited_ms=12, ran_ms=345.5)
    assert watcher.messages[0]["full"] is True
    told_before = len(watcher.messages)
    stage.transcript("said just now")
    stage.end_job("now", "job.failed", problem={"code": "model", "message": "gone", "remedy": "rider models pull x"})
    stage.say(
        "process.status", role="worker", name="worker-1", queues=["voice"], state="busy", providers=[], problems=[]
    )
    watcher.wait_for("transcripts", text="said just now")
    row = watcher.wait_for("jobs", id="now", state="failed")
    assert row["problem"]["remedy"] == "rider models pull x"
    wait_until(lambda: {p["name"] for p in watcher.section("processes")} >= {"panel", "worker-1"}, what="who is alive")
    wait_until(lambda: watcher.section("robot")["address"] == "10.1.2.3", what="the robot")
    assert not any(message["full"] for message in watcher.messages[told_before:])
    assert {figures["queue"] for figures in watcher.section("queues")["figures"]} == {"voice", "vision", "text"}
    assert watcher.section("redis")["up"] is True


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_both_transports_work(stage: PanelStage, watch: Watch, transport: str) -> None:
    stage.start()
    watcher = watch(transport=transport)
    stage.transcript("heard")
    watcher.wait_for("transcripts", text="heard")
    assert watcher.transport == transport


def test_a_storm_reaches_a_browser_in_few_messages(stage: PanelStage, watch: Watch) -> None:
    stage.start()
    watcher = watch()
    wait_until(lambda: watcher.messages)
    before, began = len(watcher.messages), time.monotonic()
    for n in range(2_000):
        stage.end_job(f"job-{n}")
    watcher.wait_for("jobs", id="job-1999")
    took_s = time.monotonic() - began
    assert len(watcher.messages) - before <= took_s * 5 + 2


def test_a_browser_that_reads_nothing_has_one_message_under_way(stage: PanelStage, watch: Watch) -> None:
    stage.start()
    slow, quick = watch(reads=False), watch()
    wait_until(lambda: slow.messages)
    for n in range(30):
        stage.transcript(f"sentence {n}")
        quick.wait_for("transcripts", text=f"sentence {n}")
    assert len(slow.messages) == 1
    slow.may_read.set()
    slow.wait_for("transcripts", text="sentence 29")
    assert len(slow.rows("transcripts")) == 30
    assert len(slow.messages) <= 3


def test_there_is_a_limit_to_browsers(stage: PanelStage, watch: Watch) -> None:
    stage.start()
    watchers = [watch(transport="websocket") for _ in range(MAX_BROWSERS)]
    with pytest.raises(socketio.exceptions.ConnectionError):
        watch(transport="websocket")
    watchers[0].close()
    wait_until(lambda: _can_connect(watch), what="a place for another browser")


def _can_connect(watch: Watch) -> bool:
    try:
        watch(transport="websocket")
    except socketio.exceptions.ConnectionError:
        return False
    return True


def test_another_sites_page_cannot_listen(stage: PanelStage) -> None:
    stage.start()
    address = stage.url.removeprefix("http://")
    assert "101" in shake_hands(address, address, stage.url)
    assert "403" in shake_hands(address, address, "http://evil.example")
    assert "403" in shake_hands(address, "evil.example", "http://evil.example")
    polling = "/socket.io/?EIO=4&transport=polling"
    assert stage.get(polling, headers={"Origin": stage.url}).status_code == 200
    assert stage.get(polling, headers={"Origin": "http://evil.example"}).status_code == 403
    assert stage.get(polling, headers={"Host": "evil.example"}).status_code == 403


def shake_hands(address: str, host: str, origin: str) -> str:
    """The status line of a WebSocket handshake."""
    name, port = address.split(":")
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        connection.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return connection.recv(200).split(b"\r\n")[0].decode()


def test_a_password_guards_the_socket_too(stage: PanelStage, watch: Watch) -> None:
    stage.start(RIDER_WEB_PASSWORD="open sesame")
    assert stage.get("/").status_code == 401
    assert stage.get("/", auth=("rider", "open sesame")).status_code == 200
    assert stage.get("/healthz").json() == {"status": "ok", "redis": "up"}
    with pytest.raises(socketio.exceptions.ConnectionError):
        watch(transport="websocket")
    watcher = watch(transport="websocket", headers={"Authorization": "Basic cmlkZXI6b3BlbiBzZXNhbWU="})
    wait_until(lambda: watcher.messages)
    assert "sesame" not in stage.get("/api/status", auth=("rider", "open sesame")).text
    assert "sesame" not in stage.processes.log("panel.log")


def test_it_does_not_start_open_to_everybody(stage: PanelStage) -> None:
    process = stage.processes.start("-m", "rider_core.web", log="panel.log", RIDER_WEB_HOST="0.0.0.0")
    assert process.wait(20) == 1
    assert "RIDER_WEB_PASSWORD" in stage.processes.log("panel.log")
    assert "Traceback" not in stage.processes.log("panel.log")


def test_a_port_in_use_is_named(stage: PanelStage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = stage.processes.start("-m", "rider_core.web", log="panel.log", RIDER_WEB_PORT=str(port))
        assert process.wait(20) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in stage.processes.log("panel.log")
    assert "Traceback" not in stage.processes.log("panel.log")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_and_soon(stage: PanelStage, watch: Watch, number: signal.Signals) -> None:
    process = stage.start()
    wait_until(lambda: stage.get("/healthz").json()["redis"] == "up")
    for transport in ("websocket", "polling"):
        watch(transport=transport)
    stage.end_job("last")
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert time.monotonic() - began < 4
    assert "Traceback" not in stage.processes.log("panel.log")
    said = [fields[b"event"] for _, fields in stage.connection.xrange("rider:events")]
    assert any(b'"stopped"' in event and b'"panel"' in event for event in said)


def test_a_signal_that_another_thread_gets_ends_it_too(stage: PanelStage) -> None:
    process = stage.start()
    wait_until(lambda: stage.get("/healthz").json()["redis"] == "up")
    threads = [int(name) for name in os.listdir(f"/proc/{process.pid}/task")]
    other = next((thread for thread in threads if thread != process.pid), process.pid)  # eventlet may have none
    assert ctypes.CDLL(None).tgkill(process.pid, other, signal.SIGTERM) == 0
    assert process.wait(10) == 0


def test_ended_jobs_go_into_the_history(stage: PanelStage) -> None:
    stage.start()
    store = Store(f"sqlite:///{stage.database}")
    wait_until(lambda: stage.get("/healthz").json()["redis"] == "up")
    stage.end_job("good")
    stage.end_job("bad", "job.failed", provider="echo-text", mock=True, problem={"code": "provider", "message": "no"})
    wait_until(lambda: len(store.recent_jobs(10)) == 2, what="two jobs in the history")
    records = {record.id: record for record in store.recent_jobs(10)}
    store.close()
    assert records["good"].provider == "whisper"
    assert (records["bad"].mock, records["bad"].problem and records["bad"].problem.code) == (True, "provider")


def test_a_database_that_is_not_there_stops_nothing(stage: PanelStage, watch: Watch) -> None:
    stage.start(DATABASE_URL="sqlite:////nowhere/at/all.db")
    watcher = watch()
    wait_until(lambda: stage.get("/healthz").json()["redis"] == "up")
    stage.end_job("j")
    watcher.wait_for("jobs", id="j")
    wait_until(lambda: "sqlite:////nowhere" in (watcher.section("store") or {}).get("problem", ""), what="the reason")


def test_redis_may_go_and_come_back(stage: PanelStage, watch: Watch) -> None:
    stage.start()
    watcher = watch()
    wait_until(lambda: watcher.section("redis") and watcher.section("redis")["up"])
    stage.valkey.kill()
    wait_until(lambda: watcher.section("redis")["up"] is False, what="Redis shown as away")
    assert stage.get("/healthz").json() == {"status": "ok", "redis": "down"}
    answer = stage.get("/api/jobs")
    assert (answer.status_code, answer.json()["code"]) == (503, "backend_unavailable")
    stage.valkey.start()
    wait_until(lambda: watcher.section("redis")["up"], what="Redis shown as back")
    stage.transcript("back again")
    watcher.wait_for("transcripts", text="back again")


def test_plugins_are_shown_called_and_isolated(stage: PanelStage, watch: Watch) -> None:
    install_plugin(stage.processes.folder, "panel-extra", PLUGIN)
    install_plugin(stage.processes.folder, "broken-one", "raise RuntimeError('<b>not today</b>')")
    events = stage.processes.folder / "events"
    stage.start(EVENTS=str(events))
    assert stage.get("/hello").text == "hello from a plugin"
    assert "the routes of this is no blueprint cannot be added" in stage.processes.log("panel.log")
    shown = {plugin["name"]: plugin for plugin in stage.get("/api/plugins").json()["plugins"]}
    assert shown["panel-extra"]["state"] == "loaded"
    assert (shown["broken-one"]["state"], shown["broken-one"]["reason"]) == (
        "failed",
        "RuntimeError: <b>not today</b>",
    )
    wait_until(lambda: stage.get("/healthz").json()["redis"] == "up")
    stage.transcript("for the plugin")
    wait_until(lambda: events.exists() and "robot.transcript" in events.read_text(), what="on_event")


def test_the_api(stage: PanelStage) -> None:
    stage.start()
    wait_until(lambda: stage.get("/api/status").json()["sections"].get("queues"))
    stage.transcript("through the API")
    wait_until(lambda: "through the API" in stage.get("/api/status").text)
    assert stage.get("/api/jobs?limit=5").json() == {"jobs": []}
    for limit in ("0", "-1", "201", "x", "1e3", "٣", "9" * 5000):
        answer = stage.get(f"/api/jobs?limit={limit}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    missing = stage.get("/api/nothing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/json")


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "with files"])
def test_metrics_do_not_grow_with_made_up_names(stage: PanelStage, shared: bool) -> None:
    folder = stage.processes.folder / "metrics"
    folder.mkdir()
    stage.start(**({"PROMETHEUS_MULTIPROC_DIR": str(folder)} if shared else {}))
    stage.get("/nothing/here")
    stage.get("/api/status")

    def series() -> set[str]:
        lines = stage.get("/metrics").text.splitlines()
        return {line.rsplit(" ", 1)[0] for line in lines if line.startswith(("rider_", "flask_"))}

    series()
    before = series()
    assert any("rider_web_http_request_duration_seconds_count" in name and "/api/status" in name for name in before)
    for n in range(40):
        stage.get(f"/made/up/{n}?q={n}")
        stage.get(f"/api/jobs?limit=x{n}")
    stage.get("/api/jobs?limit=x")
    after = series()
    assert not [name for name in after if "made/up" in name]
    assert len(after - before) < 25


def test_metrics_tell_of_jobs_as_the_ledger_does(stage: PanelStage, connection: redis.Redis) -> None:
    backend = RQBackend(connection)
    stage.start()
    done, _waiting = backend.submit_many([JobSpec(task="text.generate", payload={"prompt": "x"}) for _ in range(2)])
    desk = backend.desk("w1", ["text"])
    desk.commit([Ended(desk.take()[0], Outcome.DONE, "{}", "echo", True)])
    text = stage.get("/metrics").text
    assert backend.get(done).state is JobState.DONE
    assert 'rider_job_events_total{event="accepted",queue="text",task="text.generate"} 2.0' in text
    assert 'rider_job_events_total{event="done",queue="text",task="text.generate"} 1.0' in text
    assert 'rider_jobs{queue="text",state="waiting"} 1.0' in text
    assert 'rider_job_took_seconds_count{queue="text",task="text.generate"} 1.0' in text
    assert 'rider_job_took_seconds_bucket{le="+Inf",queue="text",task="text.generate"} 1.0' in text


def test_a_mode_from_the_file_counts(stage: PanelStage) -> None:
    other = {"eventlet": "threading", "threading": "eventlet"}[stage.mode]
    data = stage.processes.folder / "data"
    data.mkdir()
    (data / "rider.toml").write_text(f'async_mode = "{other}"\n')
    del stage.processes.environment["RIDER_ASYNC_MODE"]
    stage.start()
    assert f"({other})" in stage.processes.log("panel.log")
