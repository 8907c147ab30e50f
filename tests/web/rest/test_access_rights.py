"""Who may do what: users, sessions, tokens, roles, and the audit log, with a real panel and database."""

from __future__ import annotations

import time

import pytest
import socketio
from rest_harness import RestHarness, quickly

import rider_core
from rider_core.api.roles import Role
from rider_core.database.accounts import User
from rider_core.runtime.api_tokens import new_token
from rider_core.testing.waiting import let_pass, wait_until
from rider_core.web.access.account_cache import REFRESH_S
from rider_core.web.access.guesses import BURST
from rider_core.web.access.session_cookie import NAME

pytestmark = pytest.mark.slow

PASSWORDS = {Role.READ: "read it all", Role.OPERATE: "work with it", Role.ADMIN: "change it all"}
JOB = {"task": "text.generate", "payload": {"prompt": "hello"}}


def add_users(rest: RestHarness) -> None:
    """One for each role, called like it. The first one must be an admin."""
    for role, password in reversed(PASSWORDS.items()):
        rest.accounts.add_user(User(role.value, role, quickly.hash(password), time.time()))


def sign_in(rest: RestHarness, role: Role) -> None:
    """The client keeps the cookie, and sends the token."""
    rest.headers = {}
    rest.forget_cookies()
    session = rest.ask("POST", "/session", json={"user": role.value, "password": PASSWORDS[role]})
    assert (session["user"], session["role"], session["sign_in"]) == (role.value, role.value, True)
    rest.headers = {"X-CSRF-Token": session["csrf"]}


def test_where_nobody_signs_in_everybody_is_the_owner(rest: RestHarness) -> None:
    rest.start()
    assert rest.ask("GET", "/session") == {
        "user": "local",
        "role": "admin",
        "sign_in": False,
        "csrf": "",
        "version": rider_core.__version__,
    }
    rest.ask("PUT", "/prompts/robot/pl", json={"text": "cześć"})
    rest.ask("POST", "/jobs", 201, json=JOB)
    (entry,) = rest.ask("GET", "/audit")["entries"]
    assert (entry["who"], entry["action"]) == ("local", "put_prompt"), "jobs have a history of their own"
    assert not (rest.panel.processes.folder / "data" / "session.key").exists()


def test_a_session_from_its_beginning_to_its_end(rest: RestHarness) -> None:
    add_users(rest)
    rest.start()
    assert rest.ask("GET", "/session") == {"user": "", "role": None, "sign_in": True, "csrf": "", "version": ""}
    for method, path in (("GET", "/status"), ("GET", "/jobs"), ("POST", "/jobs"), ("GET", "/openapi.json")):
        answer = rest.panel.get(f"/api/v1{path}") if method == "GET" else None
        assert answer is None or (answer.status_code, answer.json()["code"]) == (401, "password")
    answer = rest.panel.get("/api/v1/session", headers={"Cookie": f"{NAME}=eyJ4"})
    assert answer.json()["role"] is None
    sign_in(rest, Role.ADMIN)
    assert rest.ask("GET", "/session")["user"] == "admin"
    assert rest.problem("POST", "/jobs", 403, json=JOB, headers={"X-CSRF-Token": "guessed"})[0] == "csrf"
    rest.ask("POST", "/jobs", 201, json=JOB)
    rest.answer("DELETE", "/session", 204)
    assert rest.ask("GET", "/session")["role"] is None


def test_the_cookie_is_no_script_s_and_no_other_sites(rest: RestHarness) -> None:
    add_users(rest)
    rest.start()
    answer = rest.panel.get("/api/v1/session")
    assert "set-cookie" not in answer.headers
    answer = rest.sent("POST", "/session", json={"user": "read", "password": PASSWORDS[Role.READ]})
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie, "the panel is asked over HTTP here"
    answer = rest.sent("POST", "/session", json={}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_a_new_password_and_a_removal_end_sessions(rest: RestHarness) -> None:
    add_users(rest)
    rest.start()
    sign_in(rest, Role.READ)
    rest.accounts.set_password("read", quickly.hash("another one"))
    wait_until(lambda: rest.ask("GET", "/session")["role"] is None, what="the session's end")
    sign_in(rest, Role.OPERATE)
    rest.accounts.set_role("operate", Role.READ)
    wait_until(lambda: rest.ask("GET", "/session")["role"] == "read", what="the new role")
    rest.accounts.remove_user("operate")
    wait_until(lambda: rest.ask("GET", "/session")["role"] is None, what="the session's end")


def test_each_role_may_do_what_its_routes_say_and_no_more(rest: RestHarness) -> None:
    """Walks every route of the document as every role; what is refused changes nothing."""
    add_users(rest)
    rest.start()
    sign_in(rest, Role.ADMIN)
    document = rest.document
    needed = {
        (method.upper(), path.removeprefix("/api/v1")): operation["x-rider-role"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert len(needed) > 30
    assert set(needed.values()) == {None, "read", "operate", "admin"}
    changing = {route for route in needed if route[0] != "GET" and needed[route] is not None}
    # Whoever may look may stop the robot.
    readers = {route for route in changing if needed[route] == "read"}
    assert readers == {("POST", "/robots/{robot}/stop")}
    for role in (Role.READ, Role.OPERATE, Role.ADMIN):
        sign_in(rest, role)
        for (method, path), wanted in needed.items():
            if wanted is None:
                continue
            answer = rest.sent(method, path.replace("{", "").replace("}", ""))
            may = role.includes(Role(wanted))
            assert (answer.status_code != 403) is may, f"{role.value}: {method} {path}: {answer.text[:200]}"
            if not may:
                assert answer.json()["code"] == "forbidden"
                assert f"rider users role {role.value} {wanted}" in answer.json()["remedy"]
    rest.forget_cookies()
    rest.headers = {}
    for (method, path), wanted in needed.items():
        status = rest.sent(method, path.replace("{", "").replace("}", "")).status_code
        assert (status == 401) is (wanted is not None), f"nobody: {method} {path}: {status}"


def test_names_and_passwords_for_programs(rest: RestHarness) -> None:
    add_users(rest)
    rest.start(RIDER_WEB_PASSWORD="open sesame")
    for name, password, status in (
        ("rider", "open sesame", 200),
        ("admin", PASSWORDS[Role.ADMIN], 200),
        ("admin", PASSWORDS[Role.READ], 401),
        ("nobody", "open sesame", 401),
        ("rider", "", 401),
    ):
        assert rest.sent("GET", "/status", auth=(name, password)).status_code == status, name
    began = time.monotonic()
    for _ in range(20):
        rest.sent("GET", "/status", auth=("admin", PASSWORDS[Role.ADMIN]))
    assert time.monotonic() - began < 20 * 0.05, "a password that was right lately is not hashed again"


def test_tokens(rest: RestHarness) -> None:
    add_users(rest)
    expired = new_token("old", Role.ADMIN, "test", -1)
    rest.accounts.add_token(expired.stored)
    rest.start()
    sign_in(rest, Role.ADMIN)
    made = rest.ask("POST", "/tokens", 201, json={"name": "scraper", "role": "read", "lifetime_s": 3600})
    assert made["token"]["created_by"] == "admin"
    assert made["secret"] not in rest.answer("GET", "/tokens").text
    rest.forget_cookies()
    rest.headers = {"Authorization": f"Bearer {made['secret']}"}
    assert rest.ask("GET", "/session")["user"] == f"token:{made['token']['id']}"
    assert rest.problem("POST", "/jobs", 403, json=JOB)[0] == "forbidden"
    wrong = made["secret"][:-1] + ("0" if made["secret"][-1] != "0" else "1")
    for text in (expired.text, wrong, "rider_x_y", "é"):
        rest.headers = {"Authorization": f"Bearer {text}".encode()}  # type: ignore[dict-item]
        assert rest.sent("GET", "/status").status_code == 401
    sign_in(rest, Role.ADMIN)
    rest.answer("DELETE", f"/tokens/{made['token']['id']}", 204)
    rest.problem("DELETE", f"/tokens/{made['token']['id']}", 404)
    rest.forget_cookies()
    rest.headers = {"Authorization": f"Bearer {made['secret']}"}
    assert rest.sent("GET", "/status").status_code == 401
    stored = rest.panel.database.read_bytes()
    assert made["secret"].rpartition("_")[2].encode() not in stored
    assert PASSWORDS[Role.ADMIN].encode() not in stored


def test_users_over_http(rest: RestHarness) -> None:
    add_users(rest)
    rest.start()
    sign_in(rest, Role.ADMIN)
    new = {"name": "ola", "role": "read", "password": "zażółć gęślą"}
    assert rest.ask("POST", "/users", 201, json=new)["role"] == "read"
    assert rest.problem("POST", "/users", 409, json=new)[0] == "already_exists"
    for wrong in ({"password": "short"}, {"name": "Ola Ż"}, {"role": "god"}, {"name": ""}):
        answer = rest.answer("POST", "/users", 400, json={**new, "name": "other", **wrong})
        assert "short" not in answer.text
        assert new["password"] not in answer.text
    assert rest.ask("PATCH", "/users/ola", json={"role": "operate", "password": "jaźń jaźń"})["role"] == "operate"
    assert [user["name"] for user in rest.ask("GET", "/users")["users"]] == ["admin", "ola", "operate", "read"]
    entries = rest.ask("GET", "/audit")["entries"]
    assert (entries[0]["before"], entries[0]["after"]) == (
        {"role": "read"},
        {"role": "operate", "password": "***"},
    )
    for method, options in (("DELETE", {}), ("PATCH", {"json": {"role": "read"}})):
        assert rest.problem(method, "/users/admin", 409, **options) == ("conflict", "'admin' is the last admin")
    rest.answer("DELETE", "/users/ola", 204)
    rest.problem("DELETE", "/users/ola", 404)
    rest.problem("PATCH", "/users/ola", 404, json={"role": "read"})


def test_ten_wrong_passwords_slow_down_that_account_and_no_other(rest: RestHarness) -> None:
    add_users(rest)
    rest.start(RIDER_WEB_SIGN_INS_PER_MINUTE="0")  # that limit counts right passwords, too
    for number in range(BURST):
        body = {"user": "read", "password": f"guess {number}"}
        assert rest.problem("POST", "/session", 401, json=body)[0] == "wrong_password"
    # Each takes a tenth of a second, and every two seconds another one is allowed.
    statuses = [rest.sent("POST", "/session", json=body).status_code for _ in range(BURST)]
    assert 429 in statuses
    while 429 not in statuses[-1:]:
        statuses.append(rest.sent("POST", "/session", json=body).status_code)
    body = {"user": "read", "password": PASSWORDS[Role.READ]}
    answer = rest.answer("POST", "/session", 429, json=body)
    assert answer.json()["code"] == "guesses"
    assert int(answer.headers["retry-after"]) >= 1
    sign_in(rest, Role.OPERATE)
    wait_until(lambda: rest.sent("POST", "/session", json=body).status_code == 200, what="the end of the delay")
    sign_in(rest, Role.ADMIN)
    tried = [it for it in rest.ask("GET", "/audit?limit=200")["entries"] if it["action"] == "sign_in"]
    assert {(it["who"], it["status"]) for it in tried} >= {("read", 401), ("operate", 200)}
    assert not [it for it in tried if it["status"] == 429], "they would push changes out of the log"
    assert "guess" not in str(tried)


def test_the_audit_log_comes_in_pages_and_tells_what_was(rest: RestHarness) -> None:
    rest.start()
    for number in range(5):
        rest.ask("PUT", "/prompts/robot/pl", json={"text": f"wersja {number}"})
    rest.problem("PUT", "/prompts/robot/pl", 400, json={"text": " "})
    first = rest.ask("GET", "/audit?limit=3")
    second = rest.ask("GET", f"/audit?limit=3&cursor={first['next']}")
    entries = first["entries"] + second["entries"]
    assert [it["after"]["text"] for it in entries] == [f"wersja {number}" for number in (4, 3, 2, 1, 0)]
    assert entries[0]["before"] == {"text": "wersja 3"}
    assert {(it["action"], it["target"]) for it in entries} == {("put_prompt", "/api/v1/prompts/robot/pl")}
    assert second["next"] is None


def test_the_live_feed_needs_an_identity(rest: RestHarness) -> None:
    add_users(rest)
    rest.start()
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(rest.panel.url, namespaces=["/live"], wait_timeout=5)
    sign_in(rest, Role.READ)
    client.connect(rest.panel.url, headers={"Cookie": rest.cookie}, namespaces=["/live"], wait_timeout=5)
    assert client.connected
    client.disconnect()


def test_a_database_that_cannot_be_read_lets_nobody_in(rest: RestHarness) -> None:
    add_users(rest)
    rest.start()
    sign_in(rest, Role.READ)
    rest.panel.database.write_bytes(b"not a database" * 1_000)
    let_pass(REFRESH_S, "what was read before counts no longer")
    assert rest.ask("GET", "/session")["user"] == "read", "those that were read before count"
    rest.panel.processes.end_all()
    for suffix in ("-wal", "-shm"):  # from them the closing panel repairs the file
        rest.panel.database.with_name(rest.panel.database.name + suffix).unlink(missing_ok=True)
    rest.panel.database.write_bytes(b"not a database" * 1_000)
    rest.start()
    answer = rest.panel.get("/api/v1/status")
    assert (answer.status_code, answer.json()["code"]) == (503, "database")
    assert rest.panel.get("/healthz").status_code == 200


def test_a_lost_database_opens_no_panel_that_others_reach(rest: RestHarness) -> None:
    add_users(rest)
    rest.start(RIDER_WEB_HOST="0.0.0.0")
    sign_in(rest, Role.READ)
    for suffix in ("", "-wal", "-shm"):
        rest.panel.database.with_name(rest.panel.database.name + suffix).unlink(missing_ok=True)
    let_pass(REFRESH_S, "what was read before counts no longer")
    rest.forget_cookies()
    assert rest.sent("GET", "/status").status_code == 401
    assert rest.ask("GET", "/session")["role"] is None


def test_who_has_not_signed_in_leaves_no_trace_in_the_audit_log(rest: RestHarness) -> None:
    add_users(rest)
    rest.start()
    for _ in range(5):
        rest.answer("DELETE", "/session", 204)
    sign_in(rest, Role.ADMIN)
    assert [it["action"] for it in rest.ask("GET", "/audit")["entries"]] == ["sign_in"]


def test_the_first_user_must_be_an_admin(rest: RestHarness) -> None:
    rest.start()
    new = {"name": "ola", "role": "operate", "password": "long enough"}
    assert rest.problem("POST", "/users", 409, json=new)[0] == "conflict"
    assert rest.ask("GET", "/session")["user"] == "local"
    rest.ask("POST", "/users", 201, json={**new, "role": "admin"})
    assert rest.ask("GET", "/session")["role"] is None


def test_a_broken_cookie_of_another_program_hides_no_session(rest: RestHarness) -> None:
    add_users(rest)
    rest.start()
    sign_in(rest, Role.READ)
    cookie = rest.cookie
    rest.forget_cookies()
    assert rest.ask("GET", "/session", headers={"Cookie": f'other=["x; {cookie}'})["user"] == "read"
