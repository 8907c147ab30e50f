"""A Socket.IO connection lasts no longer than the session that opened it, and may do what its present role may."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator

import pytest
import socketio
from panel_harness import PanelHarness
from rest_harness import RestHarness

from rider_core.api.roles import Role
from rider_core.database.accounts import User
from rider_core.runtime.api_tokens import new_token
from rider_core.runtime.passwords import hash_password
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass, wait_until
from rider_core.web.access.account_cache import REFRESH_S
from rider_core.web.camera_feed import MAX_VIEWERS
from rider_core.web.socket_guard import CHECK_S

pytestmark = pytest.mark.slow

#: What people need not wait longer for, in seconds: what is changed beside the panel is read every `REFRESH_S`.
LIMIT_S = REFRESH_S + CHECK_S + 2
PASSWORD = "open sesame"


@pytest.fixture(params=["eventlet", "threading"])
def rest(request: pytest.FixtureRequest, processes: Processes, valkey: Valkey) -> Iterator[RestHarness]:
    panel = PanelHarness(processes, valkey, request.param)
    harness = RestHarness(panel)
    hashed = hash_password(PASSWORD)
    for name, role in (("admin", Role.ADMIN), ("ola", Role.OPERATE), ("jan", Role.READ)):
        harness.accounts.add_user(User(name, role, hashed, time.time()))
    yield harness
    harness.close()
    panel.connection.close()


class Connection:
    """An open connection to some namespaces."""

    def __init__(self, rest: RestHarness, *namespaces: str, **headers: str) -> None:
        self._client = socketio.Client(reconnection=False)
        self.ended = threading.Event()
        self.left: list[str] = []
        self.troubles: list[str] = []
        for name in namespaces:
            self._client.on("disconnect", lambda *_, name=name: self.left.append(name), namespace=name)
        self._client.on("trouble", lambda message: self.troubles.append(message["message"]), namespace="/talk")
        self._client.eio.on("disconnect", lambda *_: self.ended.set())
        self._client.connect(rest.panel.url, headers=headers, namespaces=list(namespaces), wait_timeout=10)

    @property
    def is_open(self) -> bool:
        return self._client.eio.state == "connected"

    def ask(self, text: str) -> None:
        self._client.emit("ask", text, namespace="/talk")

    def wait_for_end(self) -> None:
        wait_until(lambda: not self.is_open, LIMIT_S, what="the end of the connection")

    def close(self) -> None:
        self._client.disconnect()


@pytest.fixture
def opened() -> Iterator[list[Connection]]:
    """Connections that are closed after the test."""
    connections: list[Connection] = []
    yield connections
    for connection in connections:
        connection.close()


def sign_in(rest: RestHarness, name: str) -> str:
    """The session's cookie, which the client keeps, too."""
    rest.headers = {}
    rest.forget_cookies()
    rest.headers = {"X-CSRF-Token": rest.ask("POST", "/session", json={"user": name, "password": PASSWORD})["csrf"]}
    return rest.cookie


def test_what_ends_a_session_ends_its_connections_and_no_other(rest: RestHarness, opened: list[Connection]) -> None:
    token = new_token("script", Role.READ, "test", None)
    short = new_token("visitor", Role.READ, "test", 6)
    rest.start()
    for made in (token, short):
        rest.accounts.add_token(made.stored)
    let_pass(REFRESH_S, "the panel reads the tokens")
    visitor = Connection(rest, "/live", Authorization=f"Bearer {short.text}")
    assert visitor.is_open
    by_token = Connection(rest, "/live", Authorization=f"Bearer {token.text}")
    twice = [Connection(rest, "/live", Cookie=sign_in(rest, "jan")) for _ in range(2)]
    # The first page's session is over, the second one's is that of the client.
    changed = Connection(rest, "/live", "/camera", Cookie=sign_in(rest, "ola"))
    admin = Connection(rest, "/live", Cookie=sign_in(rest, "admin"))
    opened += [visitor, by_token, *twice, changed, admin]
    assert all(each.is_open for each in opened if each is not visitor)

    rest.accounts.revoke_token(token.stored.id)
    by_token.wait_for_end()
    rest.accounts.set_role("ola", Role.READ)
    changed.wait_for_end()
    changed = Connection(rest, "/live", Cookie=sign_in(rest, "ola"))
    rest.accounts.set_password("ola", hash_password("another one"))
    changed.wait_for_end()
    visitor.wait_for_end()  # its six seconds are over
    assert all(each.is_open for each in (*twice, admin)), "nobody else's connection is closed"

    cookie = sign_in(rest, "jan")
    third = Connection(rest, "/live", Cookie=cookie)
    opened.append(third)
    rest.answer("DELETE", "/session", 204)
    third.wait_for_end()
    assert all(each.is_open for each in twice), "signing out ends one session of that user"
    assert rest.panel.get("/api/v1/status", headers={"Cookie": cookie}).status_code == 401, "a copied cookie is void"
    rest.accounts.remove_user("jan")
    for each in twice:
        each.wait_for_end()
    assert admin.is_open
    figures = rest.panel.get("/metrics", headers={"Cookie": sign_in(rest, "admin")}).text
    assert 'rider_refused_total{code="role_changed",where="web"} 1.0' in figures
    assert 'rider_refused_total{code="session_ended",where="web"} 6.0' in figures


def test_a_message_counts_with_the_role_at_that_moment(rest: RestHarness, opened: list[Connection]) -> None:
    rest.start()
    sign_in(rest, "admin")
    talker = Connection(rest, "/talk", Authorization=_basic("ola"))
    opened.append(talker)
    rest.ask("PATCH", "/users/ola", json={"role": "read"})  # the panel knows it at once
    talker.ask("may I still?")
    wait_until(lambda: talker.troubles or not talker.is_open, what="the refusal")
    talker.wait_for_end()
    assert not [job for job in rest.ask("GET", "/jobs")["jobs"] if job["origin"] == "browser"]


def test_a_person_with_many_browsers_leaves_the_camera_to_others(rest: RestHarness, opened: list[Connection]) -> None:
    rest.start()
    ola, jan = sign_in(rest, "ola"), sign_in(rest, "jan")
    opened += [Connection(rest, "/camera", Cookie=ola) for _ in range(MAX_VIEWERS)]
    with pytest.raises(socketio.exceptions.ConnectionError):
        Connection(rest, "/camera", Cookie=ola)
    opened.append(Connection(rest, "/camera", Cookie=jan))
    wait_until(lambda: opened[0].left == ["/camera"], what="the oldest browser leaves")
    assert not any(each.left for each in opened[1:])


def _basic(name: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
