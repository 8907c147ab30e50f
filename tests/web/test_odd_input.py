"""Odd requests and odd records: the panel answers all of them, and its metrics have nothing raw."""

from __future__ import annotations

import json
import re
import socket

import redis
from panel_harness import PanelHarness

from rider_core.api import JobSpec
from rider_core.api.events import HOUSE_STREAM
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.store.keys import job_key
from rider_core.jobs.store.protocol import RECORD_FIELDS
from rider_core.testing.waiting import wait_until

ODD = [b"", b"nan", b"-inf", b"1e999", b"-1", b"12x", b"9" * 400, b"\xff\xfe", b"{", b"NaN", b"null", b"[1]"]
PAGES = ["/", "/api/v1/status", "/api/v1/jobs?limit=200", "/api/v1/plugins", "/healthz", "/metrics", "/v1/models"]
#: Control characters, a surrogate in UTF-8, and a line end of Unicode.
RAW = [b"\x1b[31m", b"\x07", b"\xed\xa0\x80", b"\xc2\x85", b"\x7f"]


def ask(panel: PanelHarness, request: bytes) -> bytes:
    """The whole answer to a raw request."""
    host, port = panel.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


def test_simple_health_checks(panel: PanelHarness) -> None:
    """Load balancers and shell scripts send no host name, and close after one answer."""
    panel.start(RIDER_WEB_PASSWORD="open sesame")
    for request in (b"GET /healthz HTTP/1.0\r\n\r\n", b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"):
        head, _, body = ask(panel, request).partition(b"\r\n\r\n")
        assert head.split()[1] == b"200", request
        assert b'"status":"ok"' in body.replace(b" ", b""), request
    assert ask(panel, b"GET / HTTP/1.0\r\n\r\n").split()[1] == b"403"


def test_odd_requests_are_not_raw_in_the_metrics(panel: PanelHarness) -> None:
    panel.start()
    panel.get("/api/v1/status")
    address = panel.url.removeprefix("http://").encode()
    for raw in RAW:
        end = b"Host: " + address + b"\r\nConnection: close\r\n\r\n"
        ask(panel, b"GE" + raw + b"T / HTTP/1.1\r\n" + end)
        ask(panel, b"GET /api/" + raw + b"?limit=" + raw + b" HTTP/1.1\r\n" + end)
        ask(panel, b"GET / HTTP/1.1\r\nHost: " + raw + b".example\r\nConnection: close\r\n\r\n")
        ask(panel, b"GET /api/v1/jobs?limit=" + raw + b" HTTP/1.1\r\nOrigin: http://" + raw + b"\r\n" + end)
    text = panel.get("/metrics").content.decode("utf-8")
    assert 'rider_refused_total{code="method",where="web"}' in text
    assert [line for line in text.split("\n") if not line.isprintable()] == []
    methods = set(re.findall(r'method="([^"]*)"', text))
    assert methods <= {"GET"}


def test_odd_records_make_no_page_fail(panel: PanelHarness, connection: redis.Redis) -> None:
    backend = RedisJobBackend(connection, RQLists())
    good = backend.submit(JobSpec(task="text.generate", payload={"prompt": "x"}))
    fields = (*RECORD_FIELDS, "origin", "data", "exc_info")
    odd = backend.submit_many(
        [JobSpec(task="text.generate", payload={"prompt": "x"}) for _ in range(len(fields) * (len(ODD) + 1))]
    )
    values = [(field, value) for field in fields for value in ODD]
    for job, (field, value) in zip(odd, values, strict=False):
        connection.hset(job_key(job), field, value)
    for job, field in zip(odd[len(values) :], fields, strict=True):
        connection.hdel(job_key(job), field)
    for value in ODD:
        connection.hset("rider:metrics:text.generate", "started", value)
        connection.hset("rider:metrics:text.generate", "waited:us", value)
        connection.xadd(HOUSE_STREAM, {"event": value, "other": value})
        connection.sadd("rq:workers", b"rq:worker:odd" + value[:9])
        connection.hset(b"rq:worker:odd" + value[:9], mapping={"rider_tasks": value, "queues": value})
    connection.lpush("rider:recent", *odd, good)  # as if each had just ended
    panel.start()
    wait_until(lambda: panel.get("/api/v1/status").json()["sections"].get("queues"), what="the queues' statistics")
    for page in PAGES:
        answer = panel.get(page)
        assert answer.status_code == 200, (page, answer.text[:300])
        if "json" in answer.headers["content-type"]:
            json.loads(answer.text, parse_constant=no_json)
    shown = {job["id"]: job for job in panel.get("/api/v1/jobs?limit=200").json()["jobs"]}
    no_job = odd[len(values) + fields.index("status")]
    assert shown.keys() >= {good, *odd[-150:]} - {no_job}
    assert "damaged" in {job["problem"]["code"] for job in shown.values() if job["problem"]}
    assert "Traceback" not in panel.processes.log("panel.log")


def no_json(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
