"""The panel's messages to browsers over Socket.IO, and its sources, in both async modes."""

from __future__ import annotations

import socket
import time

import pytest
import socketio
from panel_harness import PanelHarness, Watch

from rider_core.database import Database
from rider_core.testing.waiting import wait_until
from rider_core.web.live import MAX_BROWSERS, TICK_S


def test_a_browser_gets_everything_and_then_what_is_new(panel: PanelHarness, watch: Watch) -> None:
    panel.transcript("said before the panel was there")
    panel.end_job("before")
    panel.start()
    panel.publish("robot.link", up=True, address="10.1.2.3", simulated=False, reason="")
    watcher = watch()
    watcher.wait_for("transcripts", text="said before the panel was there")
    watcher.wait_for("jobs", id="before", state="done", waited_ms=12, ran_ms=345.5)
    assert watcher.messages[0]["full"] is True
    before = len(watcher.messages)
    panel.transcript("said just now")
    panel.end_job("now", "job.failed", problem={"code": "model", "message": "gone", "remedy": "rider models pull x"})
    panel.publish(
        "process.status", role="worker", name="worker-1", queues=["voice"], state="busy", providers=[], problems=[]
    )
    watcher.wait_for("transcripts", text="said just now")
    row = watcher.wait_for("jobs", id="now", state="failed")
    assert row["problem"]["remedy"] == "rider models pull x"
    wait_until(lambda: {p["name"] for p in watcher.section("processes")} >= {"panel", "worker-1"}, what="the processes")
    wait_until(lambda: watcher.section("robot")["address"] == "10.1.2.3", what="the robot")
    assert not any(message["full"] for message in watcher.messages[before:])
    assert {figures["queue"] for figures in watcher.section("queues")["figures"]} == {"voice", "vision", "text"}
    assert watcher.section("redis")["up"] is True


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_both_transports_work(panel: PanelHarness, watch: Watch, transport: str) -> None:
    panel.start()
    watcher = watch(transport=transport)
    panel.transcript("heard")
    watcher.wait_for("transcripts", text="heard")
    assert watcher.transport == transport


def test_a_storm_reaches_a_browser_in_few_messages(panel: PanelHarness, watch: Watch) -> None:
    panel.start()
    watcher = watch()
    wait_until(lambda: watcher.messages)
    before, began = len(watcher.messages), time.monotonic()
    for n in range(2_000):
        panel.end_job(f"job-{n}")
    watcher.wait_for("jobs", id="job-1999")
    took_s = time.monotonic() - began
    assert len(watcher.messages) - before <= took_s / TICK_S + 2


def test_a_browser_that_reads_nothing_has_one_message_in_flight(panel: PanelHarness, watch: Watch) -> None:
    panel.start()
    slow, quick = watch(reads=False), watch()
    wait_until(lambda: slow.messages)
    for n in range(30):
        panel.transcript(f"sentence {n}")
        quick.wait_for("transcripts", text=f"sentence {n}")
    assert len(slow.messages) == 1
    slow.may_read.set()
    slow.wait_for("transcripts", text="sentence 29")
    assert len(slow.rows("transcripts")) == 30
    assert len(slow.messages) <= 3


def test_there_is_a_limit_to_browsers(panel: PanelHarness, watch: Watch) -> None:
    panel.start()
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


def test_another_sites_page_cannot_listen(panel: PanelHarness) -> None:
    panel.start()
    address = panel.url.removeprefix("http://")
    assert "101" in shake_hands(address, address, panel.url)
    assert "403" in shake_hands(address, address, "http://evil.example")
    assert "403" in shake_hands(address, "evil.example", "http://evil.example")
    polling = "/socket.io/?EIO=4&transport=polling"
    assert panel.get(polling, headers={"Origin": panel.url}).status_code == 200
    assert panel.get(polling, headers={"Origin": "http://evil.example"}).status_code == 403
    assert panel.get(polling, headers={"Host": "evil.example"}).status_code == 403


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


def test_ended_jobs_go_into_the_history(panel: PanelHarness) -> None:
    panel.start()
    database = Database(f"sqlite:///{panel.database}")
    wait_until(lambda: panel.get("/healthz").json()["redis"] == "up")
    panel.end_job("good")
    panel.end_job("bad", "job.failed", provider="echo-text", mock=True, problem={"code": "provider", "message": "no"})
    wait_until(lambda: len(database.recent_jobs(10)) == 2, what="two jobs in the history")
    records = {record.id: record for record in database.recent_jobs(10)}
    database.close()
    assert records["good"].provider == "whisper"
    assert (records["bad"].mock, records["bad"].problem and records["bad"].problem.code) == (True, "provider")


def test_a_database_that_is_not_there_stops_nothing(panel: PanelHarness, watch: Watch) -> None:
    panel.start(DATABASE_URL="sqlite:////nowhere/at/all.db")
    watcher = watch()
    wait_until(lambda: panel.get("/healthz").json()["redis"] == "up")
    panel.end_job("j")
    watcher.wait_for("jobs", id="j")
    wait_until(
        lambda: "sqlite:////nowhere" in (watcher.section("database") or {}).get("problem", ""), what="the reason"
    )


def test_redis_may_go_and_come_back(panel: PanelHarness, watch: Watch) -> None:
    panel.start()
    watcher = watch()
    wait_until(lambda: watcher.section("redis") and watcher.section("redis")["up"])
    panel.valkey.kill()
    wait_until(lambda: watcher.section("redis")["up"] is False, what="Redis shown as away")
    assert panel.get("/healthz").json() == {"status": "ok", "redis": "down"}
    answer = panel.get("/api/v1/jobs")
    assert (answer.status_code, answer.json()["code"]) == (503, "backend_unavailable")
    panel.valkey.start()
    wait_until(lambda: watcher.section("redis")["up"], what="Redis shown as back")
    panel.transcript("back again")
    watcher.wait_for("transcripts", text="back again")
