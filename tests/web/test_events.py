"""Events applied to the panel's state: what is shown, in which order, and the limits."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from rider_core.api import Event
from rider_core.web.events import ALIVE_S, GONE_S, MAX_PROCESSES, SEEN_EVENTS, EventProjection
from rider_core.web.history import job_record
from rider_core.web.panel_state import TABLE_LIMITS, PanelState

NOW = 1_800_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def event(kind: Any, ts: float = NOW, job_id: str | None = None, **data: Any) -> Event:
    return Event(kind=kind, ts=ts, source="test", job_id=job_id, data=data)


def shown(events: list[Event]) -> dict[str, Any]:
    panel_state = PanelState()
    projection = EventProjection(panel_state, Clock())
    for each in events:
        projection.apply(each)
    return {name: value for name, value in panel_state.snapshot().items() if name != "revision"}


def some_events() -> list[Event]:
    return [
        event("process.status", NOW, role="worker", name="worker-1", pid=7, queues=["voice"], state="idle"),
        event("process.status", NOW + 5, role="worker", name="worker-1", pid=7, queues=["voice"], state="busy"),
        event("robot.link", NOW, up=False, address="10.0.0.9", reason="no route"),
        event("robot.link", NOW + 4, up=True, address="10.0.0.9", reason=""),
        event("robot.domain", NOW + 1, domain="voice", mode="local", status="local_only", reason="no worker"),
        event("robot.domain", NOW + 2, domain="voice", mode="pc", status="pc_active", reason=""),
        event("job.started", NOW + 1, "j1", task="voice.transcribe", queue="voice", waited_ms=3, attempts=1),
        event("job.done", NOW + 2, "j1", task="voice.transcribe", queue="voice", waited_ms=3, ran_ms=900, attempts=1),
        event(
            "job.failed", NOW + 3, "j2", task="text.generate", queue="text", problem={"code": "model", "message": "m"}
        ),
        event("robot.transcript", NOW + 2, "j3", text="hello", language="en", latency_s=1.0, trace_id="ab"),
        event("robot.reply", NOW + 3, "j4", text="hello to you", first_sentence_ms=640, trace_id="ab"),
        event("robot.refused", NOW + 1, topic="voice.asr.request", code="too_large", message="5 MB"),
    ]


def test_the_state_after_events() -> None:
    panel_state = shown(some_events())
    assert panel_state["sections"]["robot"]["up"] is True
    assert panel_state["sections"]["robot"]["domains"]["voice"]["mode"] == "pc"
    assert panel_state["sections"]["processes"][0]["state"] == "busy"
    assert [(row["id"], row["state"]) for row in panel_state["rows"]["jobs"]] == [("j2", "failed"), ("j1", "done")]
    assert panel_state["rows"]["jobs"][0]["problem"] == {"code": "model", "message": "m", "remedy": None}
    assert panel_state["rows"]["refused"][0]["count"] == 1
    (question,) = panel_state["rows"]["transcripts"]
    assert (question["job"], question["sentence_ms"], question["reply_job"]) == ("j3", 640, "j4")
    assert panel_state["rows"]["activity"] == [
        {"ts": int(NOW), "good": 1, "bad": 1, "key": str(int(NOW)), "rank": int(NOW)}
    ]


@pytest.mark.parametrize("seed", range(5))
def test_repeated_and_late_events_change_nothing(seed: int) -> None:
    events = [*some_events(), *some_events()]
    random.Random(seed).shuffle(events)
    assert shown(events) == shown(some_events()), f"seed {seed}"


def test_a_mock_is_marked() -> None:
    rows = shown(
        [
            event("job.done", job_id="j", task="text.generate", provider="echo-text", mock=True),
            event("robot.transcript", text="made up", mock=True),
            event("robot.speech", text="made up", mock=True),
        ]
    )["rows"]
    assert [rows[table][0]["mock"] for table in ("jobs", "transcripts", "speech")] == [True, True, True]


def test_every_table_is_bounded() -> None:
    panel_state = PanelState()
    projection = EventProjection(panel_state, Clock())
    for n in range(2_000):
        ts = NOW + n * 10
        projection.apply(event("job.done", ts, f"j{n}", task="t"))
        for kind in ("robot.transcript", "robot.speech", "robot.refused"):
            projection.apply(event(kind, ts, text="x"))
        projection.apply(event("process.status", ts, name=f"stranger-{n}"))
        projection.apply(event("robot.domain", ts, domain=f"domain-{n}"))
    assert {table: len(rows) for table, rows in panel_state.snapshot()["rows"].items()} == TABLE_LIMITS
    assert len(panel_state.section("processes")) == MAX_PROCESSES
    assert len(panel_state.section("robot")["domains"]) == 8
    assert len(projection._seen) == SEEN_EVENTS
    assert panel_state.snapshot()["rows"]["jobs"][0]["id"] == "j1999"


def test_a_running_job_stays_above_what_ended_later_but_not_for_ever() -> None:
    panel_state = PanelState()
    projection = EventProjection(panel_state, Clock())
    projection.apply(event("job.started", NOW, "long", task="t"))
    for n in range(TABLE_LIMITS["jobs"] + 20):
        projection.apply(event("job.done", NOW + 1 + n, f"j{n}", task="t"))
    assert panel_state.snapshot()["rows"]["jobs"][0]["id"] == "long"
    for n in range(TABLE_LIMITS["jobs"]):
        projection.apply(event("job.done", NOW + 400 + n, f"k{n}", task="t"))
    assert panel_state.row("jobs", "long") is None


def test_long_wrong_and_infinite_values_do_not_reach_the_browser() -> None:
    wild: dict[str, Any] = {
        "text": "x" * 1_000_000,
        "language": ["en"],
        "duration_s": float("nan"),
        "latency_s": float("inf"),
        "provider": "p" * 10_000,
        "mock": "yes",
    }
    panel_state = shown(
        [
            event("robot.transcript", **wild),
            event(
                "job.done", job_id="j", task=7, attempts="many", waited_ms=-float("inf"), ran_ms=10**400, problem="no"
            ),
            event("process.status", name="p", queues=["q" * 999] * 99, providers=[{"name": 1}] * 99, problems="none"),
            event("robot.link", up="yes", battery_pct=float("nan")),
        ]
    )
    text = json.dumps(panel_state, allow_nan=False)
    assert len(text) < 10_000
    row = panel_state["rows"]["transcripts"][0]
    assert (row["duration_s"], row["latency_s"], row["language"], row["mock"]) == (None, None, "", False)
    assert len(row["text"]) == 600
    assert row["text"].endswith("…")


def test_a_silent_process_is_marked_and_later_removed() -> None:
    panel_state, clock = PanelState(), Clock()
    projection = EventProjection(panel_state, clock)
    projection.apply(event("process.status", name="link", role="link", state="idle"))
    clock.now = NOW + ALIVE_S - 1
    projection.expire_processes()
    assert panel_state.section("processes")[0]["alive"] is True
    clock.now = NOW + ALIVE_S + 1
    projection.expire_processes()
    assert panel_state.section("processes")[0]["alive"] is False
    clock.now = NOW + GONE_S + 1
    projection.expire_processes()
    assert panel_state.section("processes") == []


def test_a_stopped_process_is_not_alive() -> None:
    assert shown([event("process.status", name="w", state="stopped")])["sections"]["processes"][0]["alive"] is False


def test_since_returns_newer_values_only() -> None:
    panel_state = PanelState()
    panel_state.set_section("redis", {"up": True})
    panel_state.put("jobs", "a", {"state": "running"}, 1)
    seen = panel_state.revision
    panel_state.put("jobs", "b", {"state": "done"}, 2)
    panel_state.put("jobs", "a", {"state": "done"}, 1)
    panel_state.set_section("redis", {"up": True})
    delta = panel_state.since(seen)
    assert delta["sections"] == {}
    assert [row["key"] for row in delta["rows"]["jobs"]] == ["b", "a"]
    assert panel_state.since(panel_state.revision)["rows"] == {}


def test_history_takes_times_from_the_event() -> None:
    record = job_record(
        event("job.failed", NOW, "j", task="t", queue="q", priority="low", waited_ms=2000, ran_ms=500, attempts=2)
    )
    assert record is not None
    assert (record.submitted_ts, record.started_ts, record.ended_ts) == (NOW - 2.5, NOW - 0.5, NOW)
    assert record.state.value == "failed"


def test_an_event_that_does_not_fit_is_no_hisome_events() -> None:
    assert job_record(event("job.started", NOW, "j", task="t")) is None
    assert job_record(event("job.done", NOW, "j", task="t", priority="shouted")) is None


def test_an_engines_details_are_shown_as_text() -> None:
    engine = {"name": "eyes", "domain": "object_detection", "details": {"device": "CPU", "x" * 999: 7, "no": ["list"]}}
    (shown_engine,) = shown([event("process.status", name="w", providers=[engine])])["sections"]["processes"][0][
        "providers"
    ]
    lines = shown_engine["details"].split("\n")
    assert lines[0] == "device: CPU"
    assert all(len(line) < 700 for line in lines)
    engine["details"] = "none"  # type: ignore[assignment]
    (shown_engine,) = shown([event("process.status", name="w", providers=[engine])])["sections"]["processes"][0][
        "providers"
    ]
    assert shown_engine["details"] == ""


def test_successful_frames_displace_no_other_jobs() -> None:
    events = [event("job.done", NOW, "voice", task="voice.transcribe", origin="robot")]
    for number in range(TABLE_LIMITS["jobs"] + 5):
        frame = {"task": "vision.detect", "origin": "robot", "queue": "vision", "ran_ms": 20}
        events += [
            event("job.started", NOW + number, f"f{number}", **frame),
            event("job.done", NOW + number, f"f{number}", **frame),
        ]
    events.append(event("job.failed", NOW + 1, "bad", task="vision.detect", origin="robot"))
    events.append(event("job.done", NOW + 1, "asked", task="vision.detect", origin="cli"))
    panel_state = shown(events)
    assert {row["id"] for row in panel_state["rows"]["jobs"]} == {"voice", "bad", "asked"}
    assert sum(row["good"] for row in panel_state["rows"]["activity"]) == TABLE_LIMITS["jobs"] + 7
    assert [each.job_id for each in events if job_record(each)] == ["voice", "bad", "asked"]


def test_the_links_status_updates_the_domains() -> None:
    """A domain whose event was lost is shown after the link's next status."""
    panel_state = PanelState()
    projection = EventProjection(panel_state, Clock())
    domain = {"domain": "voice", "mode": "pc", "status": "ok", "reason": "", "choice": "pc", "by": "the panel"}
    restart = {"what": "restart it", "why": "it is silent", "command": "restart", "more": "x"}
    status = {"name": "link", "role": "link", "state": "up"}
    projection.apply(event("process.status", NOW, domains=[domain], restarts=[restart], **status))
    robot = panel_state.section("robot")
    assert robot["domains"]["voice"]["ts"] == NOW
    assert robot["restarts"] == [{"what": "restart it", "why": "it is silent", "command": "restart"}]
    revision = panel_state.revision
    projection.apply(event("process.status", NOW + 5, domains=[domain], restarts=[restart], **status))
    assert panel_state.section("robot") == robot, "an equal value changes nothing"
    assert panel_state.revision == revision + 1, "only the time of the status changed"
    projection.apply(event("process.status", NOW + 10, domains=[{**domain, "problem": "no worker"}], **status))
    assert panel_state.section("robot")["domains"]["voice"] == robot["domains"]["voice"] | {"problem": "no worker"}
    assert panel_state.section("robot")["restarts"] == []
    projection.apply(event("robot.domain", NOW + 9, **{**domain, "mode": "local"}))
    assert panel_state.section("robot")["domains"]["voice"]["mode"] == "pc", "an older event is ignored"
    projection.apply(event("process.status", NOW + 15, name="worker", role="worker", domains=[{"domain": "voice"}]))
    assert panel_state.section("robot")["domains"]["voice"]["mode"] == "pc", "only the link's status has domains"
    projection.apply(event("process.status", NOW + 20, domains="none", restarts=[1, {}], **status))
    assert panel_state.section("robot")["restarts"] == []
