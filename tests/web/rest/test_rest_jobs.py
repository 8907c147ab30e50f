"""Jobs, queues and schedules over HTTP, with a real panel and Valkey."""

from __future__ import annotations

import json
import time

import pytest
from rest_harness import RestHarness

from rider_core.api import JobProblem, JobSpec
from rider_core.jobs import AttemptResult, Outcome
from rider_core.web.kept_jobs.job_view import MAX_SHOWN

pytestmark = pytest.mark.slow

GENERATE = {"task": "text.generate", "payload": {"prompt": "hello"}}
#: A job as a JSON string of JSON.
AS_TEXT = json.dumps(json.dumps(GENERATE)).encode()
BOOM = JobProblem(code="crashed", message="boom")


def fail(rest: RestHarness, job_id: str) -> None:
    """Play the worker in whose hands it fails for good."""
    consumer = rest.backend.consumer("w1", ["text"])
    (leased,) = consumer.dequeue()
    assert leased.id == job_id
    result = AttemptResult.with_problem(
        leased, Outcome.PERMANENT, BOOM, provider="echo-text", traceback="Traceback: here", delay_s=0
    )
    assert consumer.commit([result]) == [True]
    consumer.close()


def test_a_job_from_its_submission_to_its_end(rest: RestHarness) -> None:
    rest.start()
    answer = rest.answer("POST", "/jobs", 201, json=GENERATE)
    job = answer.json()
    assert (job["state"], job["origin"], job["queue"]) == ("waiting", "http", "text")
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    shown = rest.ask("GET", f"/jobs/{job['id']}")
    assert (shown["payload"]["prompt"], shown["shortened"], shown["traceback"]) == ("hello", False, "")
    listed = rest.ask("GET", "/jobs?state=waiting&queue=text&task=text.generate&origin=http")
    assert ([it["id"] for it in listed["jobs"]], listed["total"], listed["next"]) == ([job["id"]], 1, None)
    assert rest.problem("POST", f"/jobs/{job['id']}/retry", 409) == (
        "conflict",
        f"job '{job['id']}' is waiting: only a failed job can be retried",
    )
    assert rest.problem("DELETE", f"/jobs/{job['id']}", 409)[0] == "conflict"
    fail(rest, job["id"])
    assert rest.ask("GET", f"/jobs/{job['id']}")["traceback"] == "Traceback: here"
    assert rest.ask("GET", "/jobs?state=failed&search=BOOM")["total"] == 1
    assert rest.problem("POST", f"/jobs/{job['id']}/cancel", 409)[0] == "conflict"
    assert rest.ask("POST", f"/jobs/{job['id']}/retry")["state"] == "waiting"
    assert rest.ask("POST", f"/jobs/{job['id']}/cancel")["state"] == "cancelled"
    for method, path in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel"), ("DELETE", ""), ("GET", "/items")):
        assert rest.problem(method, f"/jobs/nothing{path}", 404)[0] == "job_not_found"


def test_pages_follow_each_other(rest: RestHarness) -> None:
    rest.start()
    ids = rest.backend.submit_many([JobSpec(**GENERATE) for _ in range(7)])
    first = rest.ask("GET", "/jobs?state=waiting&limit=4")
    second = rest.ask("GET", f"/jobs?state=waiting&limit=4&cursor={first['next']}")
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids
    assert (first["total"], second["next"]) == (7, None)
    assert rest.problem("GET", f"/jobs?state=done&cursor={first['next']}", 400)[0] == "invalid_input"


def test_the_same_key_submits_one_job(rest: RestHarness) -> None:
    rest.start()
    for key in ("order-7", "zażółć 7".encode(), "x" * 255):
        headers = {"Idempotency-Key": key}
        ids = {rest.ask("POST", "/jobs", 201, json=GENERATE, headers=headers)["id"] for _ in range(3)}
        assert len(ids) == 1
    assert rest.ask("GET", "/jobs/order-7")["job"]["state"] == "waiting"
    assert rest.ask("GET", "/jobs?state=waiting")["total"] == 3
    rest.problem("POST", "/jobs", 400, json=GENERATE, headers={"Idempotency-Key": "x" * 256})


def test_a_batch_and_its_items(rest: RestHarness) -> None:
    rest.start()
    body = {"task": "text.generate", "payloads": [{"prompt": "one"}, {"prompt": "two"}]}
    job = rest.ask("POST", "/batches", 201, json=body)
    assert job["progress"] == {"total": 2, "done": 0, "failed": 0}
    assert rest.ask("GET", f"/jobs/{job['id']}/items") == {"items": [{"result": None, "problem": None}] * 2}
    assert rest.ask("GET", f"/jobs/{job['id']}")["payload"]["prompt"] == "one"
    single = rest.ask("POST", "/jobs", 201, json=GENERATE)["id"]
    assert rest.problem("GET", f"/jobs/{single}/items", 404) == ("job_not_found", f"job '{single}' is no batch")


def test_a_long_payload_is_shown_shortened(rest: RestHarness) -> None:
    rest.start()
    long = {"task": "text.generate", "payload": {"prompt": "x" * (MAX_SHOWN + 7), "history": []}}
    job = rest.ask("POST", "/jobs", 201, json=long)
    shown = rest.ask("GET", f"/jobs/{job['id']}")
    assert shown["shortened"] is True
    assert shown["payload"]["prompt"].endswith("x… (7 more characters)")


def test_wrong_jobs_are_refused_with_the_field_and_the_value(rest: RestHarness) -> None:
    rest.start()
    code, detail = rest.problem("POST", "/jobs", 400, json={"task": "os.system", "payload": {}})
    assert (code, "os.system" in detail, "text.generate" in detail) == ("invalid_input", True, True)
    assert "prompt" in rest.problem("POST", "/jobs", 400, json={"task": "text.generate", "payload": {}})[1]
    answer = rest.answer("POST", "/jobs", 400, json={"tusk": "x", "priority": "now"})
    fields = {it["field"] for it in answer.json()["fields"]}
    assert fields == {"tusk", "task", "payload", "priority"}
    for body in (b"", b"{", b"\xff", b"[" * 50_000, b'{"a": NaN}', b"[1]", b'"text"', b"null", AS_TEXT):
        rest.problem("POST", "/jobs", 400, content=body, headers={"Content-Type": "application/json"})
    assert rest.problem("POST", "/jobs", 415, content=b"task=x")[0] == "content_type"
    too_long = {"task": "text.generate", "payload": {"prompt": "x" * 3_000_000}}
    assert rest.problem("POST", "/jobs", 413, json=too_long)[0] == "too_large"
    parts = b'{"a":[' + b'"",' * 300_000 + b'""]}'
    assert rest.problem("POST", "/jobs", 413, content=parts, headers={"Content-Type": "application/json"})[0]
    for query in ("limit=0", "limit=201", "limit=x", "queue=legs", "nothing=1", "cursor=%00"):
        rest.problem("GET", f"/jobs?state=waiting&{query}", 400)
    rest.problem("GET", "/jobs?state=lost", 400)
    assert rest.ask("GET", "/jobs?state=waiting")["total"] == 0


def test_dead_letters_of_a_queue_all_at_once(rest: RestHarness) -> None:
    rest.start()
    for _ in range(2):
        fail(rest, rest.ask("POST", "/jobs", 201, json=GENERATE)["id"])
    assert [it["failed"] for it in rest.ask("GET", "/queues")["queues"] if it["queue"] == "text"] == [2]
    assert rest.ask("POST", "/queues/text/dead-letters/retry") == {"count": 2}
    assert rest.ask("GET", "/jobs?state=waiting")["total"] == 2
    fail(rest, rest.ask("GET", "/jobs?state=waiting")["jobs"][0]["id"])
    assert rest.ask("DELETE", "/queues/text/dead-letters") == {"count": 1}
    assert rest.ask("DELETE", "/queues/voice/dead-letters") == {"count": 0}
    assert "legs" in rest.problem("DELETE", "/queues/legs/dead-letters", 400)[1]


def test_a_selection_of_dead_letters(rest: RestHarness) -> None:
    rest.start()
    jobs = []
    for _ in range(4):
        jobs.append(rest.ask("POST", "/jobs", 201, json=GENERATE)["id"])
        fail(rest, jobs[-1])
    waiting = rest.ask("POST", "/jobs", 201, json=GENERATE)["id"]
    chosen = {"jobs": [jobs[0], jobs[0], jobs[1], waiting, "nobody"]}
    assert rest.ask("POST", "/dead-letters/delete", json=chosen) == {"count": 2}
    assert rest.ask("POST", "/dead-letters/retry", json={"jobs": [jobs[0], jobs[2]]}) == {"count": 1}
    states = {job_id: rest.ask("GET", f"/jobs/{job_id}")["job"]["state"] for job_id in (*jobs[2:], waiting)}
    assert states == {jobs[2]: "waiting", jobs[3]: "failed", waiting: "waiting"}
    for wrong in ([], ["../x"], ["x"] * 501, "x"):
        rest.problem("POST", "/dead-letters/retry", 400, json={"jobs": wrong})


def test_a_schedule_from_its_beginning_to_its_end(rest: RestHarness) -> None:
    rest.start()
    plan = {**GENERATE, "cron": "@daily", "timezone": "Europe/Warsaw"}
    made = rest.ask("PUT", "/schedules/news", json=plan)
    assert made["schedule"]["cron"] == "0 0 * * *"
    assert made["next_ts"] > time.time()
    assert rest.ask("GET", "/schedules/news") == made
    assert (
        rest.problem("PUT", "/schedules/news", 412, json=plan, headers={"If-None-Match": "*"})[0] == "changed_meanwhile"
    )
    changed = rest.ask("PUT", "/schedules/news", json={**plan, "cron": None, "every_s": 60})
    assert changed["schedule"]["every_s"] == 60
    assert rest.ask("PATCH", "/schedules/news", json={"enabled": False})["next_ts"] is None
    assert rest.ask("PATCH", "/schedules/news", json={"enabled": True})["next_ts"] is not None
    job = rest.answer("POST", "/schedules/news/run", 201)
    assert job.headers["location"].startswith("/api/v1/jobs/news-")
    listed = rest.ask("GET", "/schedules")
    assert ([it["id"] for it in listed["schedules"]], listed["schedulers"]) == (["news"], 0)
    rest.answer("DELETE", "/schedules/news", 204)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/run")):
        assert rest.problem(method, f"/schedules/news{path}", 404)[0] == "schedule_not_found"
    assert rest.problem("PATCH", "/schedules/news", 404, json={"enabled": True})[0] == "schedule_not_found"


def test_due_times_and_wrong_schedules(rest: RestHarness) -> None:
    rest.start()
    times = rest.ask("GET", "/due-times?cron=0 7 * * mon-fri&timezone=Europe/Warsaw&count=3")
    assert len(times["times"]) == 3
    assert times["times"] == sorted(set(times["times"]))
    for cron in ("x", "* * * *", "61 * * * *"):
        rest.problem("GET", f"/due-times?cron={cron}", 400)
    rest.problem("GET", "/due-times?cron=@daily&timezone=Mars/Olympus", 400)
    for wrong in ({}, {"every_s": 5, "cron": "@daily"}, {"every_s": 0}, {"cron": "@daily", "timezone": "Mars/Olympus"}):
        rest.problem("PUT", "/schedules/news", 400, json={**GENERATE, **wrong})
    rest.problem("PUT", "/schedules/news", 400, json={"task": "text.generate", "payload": {}, "cron": "@daily"})
