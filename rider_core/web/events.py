"""Applies the events of the bus to the panel's state. Applying an event twice, or late, changes nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rider_core.api import Event
from rider_core.web import untrusted
from rider_core.web.history import is_routine
from rider_core.web.panel_state import TABLE_LIMITS, PanelState, Row

#: A process publishes its status every 5 s; after three times that it counts as silent.
ALIVE_S = 15.0
#: For how long a process that stopped or fell silent is still shown, in seconds.
GONE_S = 120.0
MAX_PROCESSES = 80
MAX_DOMAINS = 8
#: Width of one bar of the chart, in seconds.
ACTIVITY_BUCKET_S = 5
#: Events that are recognised when they come again. More than are loaded again (`reader.SEED_EVENTS`).
SEEN_EVENTS = 4_000
#: A running job is ranked above jobs that ended within this time after its start, in seconds. The limit is there
#: because the event of its end may be lost.
RUNNING_BONUS_S = 300.0

#: Without "job.accepted": waiting jobs are in the queues' figures, and a batch of thousands would displace all others.
JOB_STATES = {
    "job.started": "running",
    "job.retried": "waiting",
    "job.requeued": "waiting",
    "job.done": "done",
    "job.failed": "failed",
    "job.expired": "expired",
    "job.cancelled": "cancelled",
    "job.replaced": "replaced",
}
#: Of a question that has no answer yet.
_NO_REPLY: Row = {"sentence_ms": None, "reply_job": ""}
OPEN_STATES = ("running", "waiting")


class EventProjection:
    """Applies events to the panel's state. For one thread at a time."""

    def __init__(self, panel_state: PanelState, clock: Callable[[], float] = time.time) -> None:
        self._panel_state = panel_state
        self._clock = clock
        self._seen: set[tuple[Any, ...]] = set()
        self._seen_order: deque[tuple[Any, ...]] = deque()
        self._processes: dict[str, Row] = {}
        #: Trace id to the times of its latest reply, for transcripts whose event comes later.
        self._replies: dict[str, Row] = {}
        self._refused = 0
        #: Domain to the time of its newest event.
        self._domains_updated: dict[str, float] = {}
        self._handlers: dict[str, Callable[[Event, str], None]] = {
            "process.status": self._process,
            "robot.link": self._link,
            "robot.domain": self._domain,
            "robot.transcript": self._transcript,
            "robot.speech": self._speech,
            "robot.reply": self._reply,
            "robot.refused": self._refusal,
            **dict.fromkeys(JOB_STATES, self._job),
        }

    def apply(self, event: Event) -> bool:
        """Apply an event. False: it was applied before."""
        identity = (event.kind, event.ts, event.source, event.job_id, str(event.data.get("name", ""))[:80])
        if identity in self._seen:
            return False
        self._seen.add(identity)
        self._seen_order.append(identity)
        if len(self._seen_order) > SEEN_EVENTS:
            self._seen.discard(self._seen_order.popleft())
        handler = self._handlers.get(event.kind)
        if handler is not None:
            key = f"{event.ts:.6f}:{event.source}:{event.job_id or untrusted.name(event.data, 'topic')}"
            handler(event, key)
        return True

    def expire_processes(self) -> None:
        """Mark processes that fell silent, and remove those that have been silent for `GONE_S`."""
        now = self._clock()
        for name, row in list(self._processes.items()):
            silent_s = now - row["heard_ts"]
            if silent_s > GONE_S:
                del self._processes[name]
            elif silent_s > ALIVE_S and row["alive"]:
                self._processes[name] = {**row, "alive": False}
        self._show_processes()

    def _process(self, event: Event, _key: str) -> None:
        data = event.data
        name = untrusted.name(data, "name") or event.source or "?"
        known = self._processes.get(name)
        if known is not None and known["heard_ts"] > event.ts:
            return
        if known is None and len(self._processes) >= MAX_PROCESSES:
            return
        state = untrusted.name(data, "state")
        self._processes[name] = {
            "name": name,
            "role": untrusted.name(data, "role"),
            "pid": untrusted.number(data, "pid"),
            "queues": untrusted.names(data, "queues"),
            "state": state,
            "providers": _providers(data),
            "problems": untrusted.names(data, "problems", untrusted.MAX_TEXT),
            "heard_ts": event.ts,
            "alive": state != "stopped" and self._clock() - event.ts <= ALIVE_S,
        }
        self._show_processes()
        if self._processes[name]["role"] == "link":
            self._robot_status(event)

    def _robot_status(self, event: Event) -> None:
        """Apply the domains and restarts in the link's status, which comes every 5 s: a domain's event may be lost."""
        for domain in untrusted.mappings(event.data, "domains"):
            self._show_domain(domain, event.ts)
        restarts = [
            {key: untrusted.text(restart, key) for key in ("what", "why", "command")}
            for restart in untrusted.mappings(event.data, "restarts")
            if untrusted.text(restart, "what")
        ]
        self._panel_state.set_section("robot", self._robot() | {"restarts": restarts})

    def _show_processes(self) -> None:
        self._panel_state.set_section("processes", [self._processes[name] for name in sorted(self._processes)])

    def _link(self, event: Event, _key: str) -> None:
        robot = self._robot()
        if event.ts < robot["ts"]:
            return
        data = event.data
        values = {
            "up": untrusted.flag(data, "up"),
            "reason": untrusted.text(data, "reason"),
            "address": untrusted.name(data, "address") or robot["address"],
            "ts": event.ts,
        }
        simulated = untrusted.flag(data, "simulated")
        battery = untrusted.number(data, "battery_pct")
        if simulated is not None:
            values["simulated"] = simulated
        if battery is not None:
            values["battery_pct"] = max(0, min(100, battery))
        self._panel_state.set_section("robot", robot | values)

    def _domain(self, event: Event, _key: str) -> None:
        self._show_domain(event.data, event.ts)

    def _show_domain(self, data: untrusted.Data, ts: float) -> None:
        robot = self._robot()
        domains: dict[str, Row] = robot["domains"]
        name = untrusted.name(data, "domain")
        known = domains.get(name)
        if not name or (known is None and len(domains) >= MAX_DOMAINS) or ts < self._domains_updated.get(name, 0):
            return
        row: Row = {key: untrusted.name(data, key) for key in ("mode", "status", "choice", "by")}
        row |= {key: untrusted.text(data, key) for key in ("reason", "why", "problem")}
        row["unattended"] = untrusted.flag(data, "unattended") or False
        # The page shows since when a domain has its mode: a repeated event must not change that time.
        row["ts"] = known["ts"] if known and known["mode"] == row["mode"] else ts
        self._domains_updated[name] = ts
        self._panel_state.set_section("robot", robot | {"domains": domains | {name: row}})

    def _robot(self) -> Row:
        unknown: Row = {
            "address": "",
            "simulated": None,
            "up": None,
            "reason": "",
            "battery_pct": None,
            "domains": {},
            "restarts": [],
            "ts": 0,
        }
        return unknown | (self._panel_state.section("robot") or {})

    def _transcript(self, event: Event, key: str) -> None:
        data = event.data
        row = {
            "ts": event.ts,
            "text": untrusted.text(data, "text"),
            "language": untrusted.name(data, "language"),
            "duration_s": untrusted.number(data, "duration_s"),
            "latency_s": untrusted.number(data, "latency_s"),
            "no_speech": untrusted.flag(data, "no_speech") or False,
            "trace_id": untrusted.name(data, "trace_id"),
            "job": (event.job_id or "")[:64],
            **self._replies.get(untrusted.name(data, "trace_id"), _NO_REPLY),
            **_provenance(data),
        }
        self._panel_state.put("transcripts", key, row, event.ts)

    def _speech(self, event: Event, key: str) -> None:
        data = event.data
        row = {
            "ts": event.ts,
            "text": untrusted.text(data, "text"),
            "chunks": untrusted.number(data, "chunks"),
            "first_chunk_ms": untrusted.number(data, "first_chunk_ms"),
            "answered_s": untrusted.number(data, "answered_s"),
            "job": (event.job_id or "")[:64],
            "duration_s": untrusted.number(data, "duration_s"),
            **_provenance(data),
        }
        self._panel_state.put("speech", key, row, event.ts)

    def _reply(self, event: Event, _key: str) -> None:
        """Show with the question how soon its answer began; the answer itself comes as speech."""
        trace_id = untrusted.name(event.data, "trace_id")
        if not trace_id:
            return
        reply = {
            "sentence_ms": untrusted.number(event.data, "first_sentence_ms"),
            "reply_job": (event.job_id or "")[:64],
        }
        self._replies[trace_id] = reply
        while len(self._replies) > TABLE_LIMITS["transcripts"]:
            del self._replies[next(iter(self._replies))]
        heard = self._panel_state.row_where("transcripts", "trace_id", trace_id)
        if heard is not None:
            self._panel_state.put("transcripts", heard["key"], heard | reply, heard["rank"])

    def _refusal(self, event: Event, key: str) -> None:
        self._refused += 1
        data = event.data
        row = {
            "ts": event.ts,
            "topic": untrusted.name(data, "topic"),
            "code": untrusted.name(data, "code"),
            "message": untrusted.text(data, "message"),
            "count": self._refused,
        }
        self._panel_state.put("refused", key, row, event.ts)

    def _job(self, event: Event, _key: str) -> None:
        if not event.job_id:
            return
        data = event.data
        state = JOB_STATES[event.kind]
        known = self._panel_state.row("jobs", event.job_id)
        if not is_routine(event) and (known is None or event.ts >= known["ts"]):
            values = {
                "task": untrusted.name(data, "task"),
                "queue": untrusted.name(data, "queue"),
                "origin": untrusted.name(data, "origin"),
                "priority": untrusted.name(data, "priority"),
                "attempts": untrusted.number(data, "attempts"),
                "waited_ms": untrusted.number(data, "waited_ms"),
                "ran_ms": untrusted.number(data, "ran_ms") if state != "running" else None,
                **_provenance(data),
            }
            problem = untrusted.problem(data)
            row = {
                "id": event.job_id[:64],
                "ts": event.ts,
                "state": state,
                **values,
                "problem": problem.model_dump() if problem else None,
            }
            rank = event.ts + (RUNNING_BONUS_S if state == "running" else 0)
            self._panel_state.put("jobs", event.job_id[:64], row, rank)
        ended_before = known is not None and known["state"] not in OPEN_STATES
        if state not in OPEN_STATES and not ended_before:
            self._count_end(event.ts, "good" if state == "done" else "bad")

    def _count_end(self, ts: float, outcome: str) -> None:
        start = int(ts) // ACTIVITY_BUCKET_S * ACTIVITY_BUCKET_S
        row = self._panel_state.row("activity", str(start)) or {"ts": start, "good": 0, "bad": 0}
        self._panel_state.put("activity", str(start), {**row, outcome: row[outcome] + 1}, start)


def _provenance(data: dict[str, Any]) -> Row:
    """The provider, and whether it is a mock."""
    return {"provider": untrusted.name(data, "provider"), "mock": untrusted.flag(data, "mock") or False}


def _providers(data: dict[str, Any]) -> list[Row]:
    described = untrusted.mappings(data, "providers")
    if described:
        return [
            {
                "name": untrusted.name(provider, "name"),
                "domain": untrusted.name(provider, "domain"),
                "mock": untrusted.flag(provider, "mock") or False,
                "details": _details(provider),
            }
            for provider in described
        ]
    names = untrusted.names(data, "providers")
    return [{"name": name, "domain": "", "mock": False, "details": ""} for name in names]


def _details(provider: untrusted.Data) -> str:
    """The details that an engine gives, one in each line."""
    details = provider.get("details")
    if not isinstance(details, dict):
        return ""
    names = list(details)[: untrusted.MAX_LIST]
    return "\n".join(f"{str(name)[: untrusted.MAX_NAME]}: {untrusted.text(details, name)}" for name in names)
