"""How often people may change things and sign in: Flask-Limiter over a real Redis, without it, and while it hangs."""

from __future__ import annotations

import base64
import time

import pytest
from rest_harness import RestHarness

from rider_core.api.roles import Role
from rider_core.database.accounts import User
from rider_core.runtime.passwords import hash_password
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

PASSWORD = "open sesame"
LIMIT = 6


def start(rest: RestHarness, **environment: str) -> None:
    """A panel with small limits, and two users."""
    for name in ("ola", "jan"):
        rest.accounts.add_user(User(name, Role.ADMIN, hash_password(PASSWORD), time.time()))
    rest.start(RIDER_WEB_CHANGES_PER_MINUTE=str(LIMIT), **environment)


def put(rest: RestHarness, name: str, **options: object) -> int:
    """The status of one change."""
    body = {"text": "cześć"}
    return rest.sent("PUT", "/prompts/robot/pl", json=body, auth=(name, PASSWORD), **options).status_code


def statuses(rest: RestHarness, name: str, count: int) -> list[int]:
    return [put(rest, name) for _ in range(count)]


def test_one_person_is_slowed_and_is_told_how_long(rest: RestHarness) -> None:
    start(rest)
    assert statuses(rest, "ola", LIMIT) == [200] * LIMIT
    rest.headers = {"Authorization": basic("ola")}
    answer = rest.answer("PUT", "/prompts/robot/pl", 429, json={"text": "cześć"})
    problem = answer.json()
    assert problem["code"] == "rate_limit"
    assert problem["detail"] == f"more than {LIMIT} changes came within a minute"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert f"try again in {answer.headers['retry-after']} s" in problem["remedy"]
    assert "RIDER_WEB_CHANGES_PER_MINUTE" in problem["remedy"]
    rest.ask("GET", "/prompts")  # reading is not limited
    # Nor is stopping; the wrong name saves the wait for a link that does not run.
    assert {rest.sent("POST", "/robots/nobody/stop").status_code for _ in range(LIMIT + 1)} == {404}
    rest.headers = {}
    assert statuses(rest, "jan", LIMIT) == [200] * LIMIT, "nobody else is slowed"
    figures = rest.panel.get("/metrics", auth=("jan", PASSWORD)).text
    assert 'rider_refused_total{code="rate_limit",where="web"} 1.0' in figures


def test_panels_of_one_redis_count_together_and_reads_ask_it_nothing(rest: RestHarness) -> None:
    start(rest)
    assert rest.document  # read with a token that is added once
    assert statuses(rest, "ola", LIMIT) == [200] * LIMIT
    rest.start(RIDER_WEB_CHANGES_PER_MINUTE=str(LIMIT))
    assert put(rest, "ola") == 429
    (key,) = rest.panel.connection.keys("rider:limit:*")
    assert 0 < rest.panel.connection.ttl(key) <= 60
    count = rest.panel.connection.get(key)
    for _ in range(3):
        rest.sent("GET", "/prompts", auth=("ola", PASSWORD))
        rest.sent("POST", "/robots/nobody/stop", auth=("ola", PASSWORD))
    assert rest.panel.connection.get(key) == count
    assert rest.panel.connection.keys("rider:limit:*") == [key]


def test_without_redis_memory_counts_and_then_redis_again(rest: RestHarness) -> None:
    start(rest)
    assert put(rest, "ola") == 200
    with rest.panel.valkey.paused():
        began = time.monotonic()
        found = statuses(rest, "ola", LIMIT)
        assert found == [200] * LIMIT, "a change does not fail where Redis hangs; memory begins anew"
        assert time.monotonic() - began < 3, "and does not wait for it for long"
        assert put(rest, "ola") == 429
    # Redis counts one change of this minute.
    wait_until(lambda: put(rest, "ola") == 200, what="Redis counts again")
    assert "Traceback" not in rest.panel.processes.log("panel.log")


def test_signing_in_is_limited_for_the_address_a_proxy_names(rest: RestHarness) -> None:
    start(rest, RIDER_WEB_SIGN_INS_PER_MINUTE=str(LIMIT), RIDER_WEB_TRUSTED_PROXIES="127.0.0.1")
    body = {"user": "ola", "password": PASSWORD}

    def sign_in(client: str) -> int:
        rest.forget_cookies()
        return rest.sent("POST", "/session", json=body, headers={"X-Forwarded-For": client}).status_code

    assert [sign_in("192.168.1.9") for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]
    assert sign_in("192.168.1.8") == 200
    rest.forget_cookies()
    headers = {"X-Forwarded-For": "192.168.1.9"}
    code, detail = rest.problem("POST", "/session", 429, json=body, headers=headers)
    assert (code, detail) == ("rate_limit", f"more than {LIMIT} attempts to sign in came within a minute")
    assert put(rest, "ola", headers=headers) == 200, "other requests of that address go on"


def test_without_a_proxy_a_header_names_nobody_else(rest: RestHarness) -> None:
    start(rest, RIDER_WEB_SIGN_INS_PER_MINUTE=str(LIMIT))
    body = {"user": "ola", "password": PASSWORD}
    for number in range(LIMIT):
        rest.forget_cookies()
        rest.answer("POST", "/session", 200, json=body, headers={"X-Forwarded-For": f"192.168.1.{number}"})
    rest.forget_cookies()
    rest.answer("POST", "/session", 429, json=body, headers={"X-Forwarded-For": "192.168.1.99"})


def test_a_limit_of_0_is_none(rest: RestHarness) -> None:
    rest.start(RIDER_WEB_CHANGES_PER_MINUTE="0", RIDER_WEB_SIGN_INS_PER_MINUTE="0")
    for _ in range(LIMIT * 2):
        rest.ask("PUT", "/prompts/robot/pl", json={"text": "cześć"})
    assert not rest.panel.connection.keys("rider:limit:*")


def basic(name: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
