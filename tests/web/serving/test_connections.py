"""Which connection gives way, and when a request is late: over real sockets, without a server."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from rider_core.web.serving.connections import BYTES_PER_S, REQUEST_S, Connections, WatchedConnection

HERE, THERE, FAR = "127.0.0.1", "192.168.1.7", "192.168.1.8"


class Crowd:
    """Clients of one `Connections`."""

    def __init__(self, limit: int = 3, per_address: int = 2) -> None:
        self.connections = Connections(limit, per_address)
        self._open = contextlib.ExitStack()

    def enter(self, host: str = HERE) -> tuple[WatchedConnection | None, socket.socket]:
        """The connection, and its client's end."""
        client, server = socket.socketpair()
        client.settimeout(5)
        self._open.enter_context(client)
        self._open.enter_context(server)
        return self._open.enter_context(self.connections.admitted(server, host)), client

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.close()


def ended(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False


def test_the_oldest_idle_one_gives_way(crowd: Crowd) -> None:
    (first, first_client), (second, second_client), (third, third_client) = (crowd.enter() for _ in range(3))
    assert first is not None
    assert second is not None
    assert third is not None
    first.end_wait(100)  # the panel works for it
    fourth, fourth_client = crowd.enter()
    assert fourth is not None
    assert [ended(it) for it in (first_client, second_client, third_client, fourth_client)] == [
        False,
        True,
        False,
        False,
    ]
    first.begin_wait(receives=False)  # it takes nothing of its answer, but since a moment ago only
    assert crowd.enter()[0] is not None
    assert (ended(third_client), ended(first_client)) == (True, False)
    assert len(crowd.connections) == 3


def test_where_the_panel_works_for_all_the_newcomer_goes(crowd: Crowd) -> None:
    for _ in range(3):
        connection, _client = crowd.enter()
        assert connection is not None
        connection.end_wait(1)
    assert crowd.enter()[0] is None
    assert len(crowd.connections) == 3


def test_one_address_has_its_own_limit_and_this_machine_has_none(crowd: Crowd) -> None:
    (_, first_client), (_, second_client) = crowd.enter(THERE), crowd.enter(THERE)
    _, far_client = crowd.enter(FAR)
    assert crowd.enter(THERE)[0] is not None
    assert [ended(it) for it in (first_client, second_client, far_client)] == [True, False, False]
    assert crowd.enter(HERE)[0] is not None
    assert [ended(it) for it in (second_client, far_client)] == [True, False]


def test_an_ipv6_client_counts_by_its_network(crowd: Crowd) -> None:
    for number in range(2):
        crowd.enter(f"fd00:1:2:3::{number}")
    _, other_client = crowd.enter("fd00:1:2:4::1")
    assert crowd.enter("fd00:1:2:3::9")[0] is not None
    assert not ended(other_client)


def test_a_connection_that_ended_gives_its_place_back() -> None:
    connections = Connections(limit=1)
    for _ in range(3):
        client, server = socket.socketpair()
        with client, server, connections.admitted(server, HERE) as connection:
            assert connection is not None
            connection.end_wait(1)
            assert len(connections) == 1
    assert len(connections) == 0


def after(connection: WatchedConnection, seconds: float) -> bool:
    """Whether its request is late, `seconds` after the wait began."""
    assert connection.waiting_since is not None
    return connection.is_late(connection.waiting_since + seconds)


def test_a_request_has_its_time_and_more_for_its_bytes(crowd: Crowd) -> None:
    connection, _ = crowd.enter()
    assert connection is not None
    connection.begin_request()
    connection.begin_wait(receives=True)
    assert not after(connection, REQUEST_S - 0.5)
    assert after(connection, REQUEST_S + 0.5)
    connection.end_wait(5 * BYTES_PER_S)
    assert not connection.is_late(1e12)  # the panel works
    connection.begin_wait(receives=True)
    assert not after(connection, REQUEST_S + 4)
    assert after(connection, REQUEST_S + 6)


def test_drops_do_not_keep_it_alive(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("rider_core.web.serving.connections.time.monotonic", lambda: now)
    connection, _ = crowd.enter()
    assert connection is not None
    connection.begin_request()
    for _ in range(6):
        connection.begin_wait(receives=True)
        now += 1.8
        connection.end_wait(1)
    connection.begin_wait(receives=True)
    assert connection.is_late(now)


def test_between_requests_and_while_it_reads_its_answer_it_is_not_late(crowd: Crowd) -> None:
    connection, _ = crowd.enter()
    assert connection is not None
    connection.begin_request()
    connection.begin_wait(receives=True)
    connection.end_wait(300)
    connection.begin_wait(receives=False)
    assert not after(connection, 1_000)
    connection.end_wait(0)
    connection.begin_request()
    connection.begin_wait(receives=True)
    assert not after(connection, 1_000)
    connection.end_wait(1)  # the next one has begun
    connection.begin_wait(receives=True)
    assert after(connection, REQUEST_S + 0.5)
