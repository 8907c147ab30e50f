"""Hundreds of hostile clients in both async modes: refused ones, half-sent requests, guesses and sessions. Others are
served meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from harness import plain_http
from panel_harness import PanelHarness, Watcher

from rider_core.testing.waiting import let_pass, wait_until
from rider_core.timing import Stopwatch
from rider_core.web.access.guesses import BURST
from rider_core.web.serving.connections import MAX_CONNECTIONS, REQUEST_S
from rider_core.web.sessions import OPEN_BURST

pytestmark = pytest.mark.slow

#: More than the panel's limit of connections.
MANY = MAX_CONNECTIONS + 44


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def dial(panel: PanelHarness, sockets: ExitStack, data: bytes) -> socket.socket:
    address = urlsplit(panel.url)
    client = socket.create_connection((address.hostname, address.port or 80), timeout=10)
    sockets.enter_context(client)
    client.sendall(data)
    return client


def page_s(panel: PanelHarness) -> float:
    """How long the panel's page takes, in seconds."""
    start = time.monotonic()
    assert panel.get("/", timeout=10).status_code == 200
    return time.monotonic() - start


def read_to_end(client: socket.socket) -> bytes:
    received = b""
    while data := client.recv(65_536):
        received += data
    return received


def test_refused_ones_are_really_closed(panel: PanelHarness, sockets: ExitStack) -> None:
    panel.start()
    clients = [dial(panel, sockets, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n") for _ in range(MANY)]
    assert page_s(panel) < 2
    for client in clients[-10:]:
        answer = read_to_end(client)
        assert answer.startswith(b"HTTP/1.1 403")
        assert answer.lower().count(b"connection: close") == 1


def test_half_sent_ones_give_way(panel: PanelHarness, sockets: ExitStack) -> None:
    panel.start()
    with httpx.Client(trust_env=False) as neighbour:  # keeps its connection, where the server does
        assert neighbour.get(panel.url).status_code == 200
        clients = [dial(panel, sockets, b"GET / HTTP/1.1\r\nHost: local") for _ in range(MANY)]
        assert page_s(panel) < 2
        assert neighbour.get(panel.url).status_code == 200
    wait_until(lambda: clients[0].recv(1) == b"", what="the oldest one's end")


def test_an_unread_body_does_not_cost_the_answer(panel: PanelHarness, sockets: ExitStack) -> None:
    """More of it than the socket's buffers hold: the client is still sending when the answer comes."""
    panel.start()
    head = b"POST /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n"
    head += b"Content-Length: 12000000\r\n\r\n"
    start = time.monotonic()
    assert read_to_end(dial(panel, sockets, head + bytes(12_000_000))).startswith(b"HTTP/1.1 403")
    assert time.monotonic() - start < 5
    with httpx.Client(trust_env=False) as client:
        for _ in range(3):
            assert client.post(panel.url, content=bytes(2_000_000)).status_code in (405, 413)


def test_idle_bodies_keep_no_slot_under_v1(panel: PanelHarness, sockets: ExitStack) -> None:
    panel.start()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    for _ in range(70):
        dial(panel, sockets, head + b"Content-Length: 1000\r\n\r\n{")

    def served() -> bool:
        return plain_http.post(f"{panel.url}/v1/chat/completions", json={}).status_code == 400

    wait_until(served, timeout_s=5, what="an answer that is no 429")


def test_openings_are_counted_before_a_session_is_made(panel: PanelHarness) -> None:
    process = panel.start()

    def threads() -> int:
        return len(list(Path(f"/proc/{process.pid}/task").iterdir()))

    before = threads()
    with httpx.Client(trust_env=False) as client:
        statuses = [
            client.get(f"{panel.url}/socket.io/?EIO=4&transport=polling").status_code for _ in range(OPEN_BURST * 4)
        ]
    assert statuses[0] == 200
    assert statuses.count(200) < OPEN_BURST * 2
    assert statuses[-1] == 429
    assert threads() - before < OPEN_BURST * 2 + 20

    def watches() -> bool:
        try:
            Watcher(panel.url).close()
        except Exception:  # as socketio says it: refused
            return False
        return True

    wait_until(watches, timeout_s=10, what="a browser that is admitted again")


def test_a_session_is_polled_by_one(panel: PanelHarness, sockets: ExitStack) -> None:
    panel.start()
    opening = panel.get("/socket.io/?EIO=4&transport=polling").text
    sid = opening.split('"sid":"')[1].split('"')[0]
    poll = f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    first = dial(panel, sockets, poll)
    let_pass(0.2, "the first one waits by then")
    second = dial(panel, sockets, poll)
    assert second.recv(12) == b"HTTP/1.1 400"
    first.setblocking(False)
    with pytest.raises(BlockingIOError):
        first.recv(1)


def test_guesses_are_slowed_for_their_client(panel: PanelHarness) -> None:
    panel.start(RIDER_WEB_PASSWORD="open sesame")
    guesses = [plain_http.get(panel.url, auth=("rider", f"wrong{number}")) for number in range(BURST + 20)]
    assert {it.status_code for it in guesses[:BURST]} == {401}
    assert {it.status_code for it in guesses[BURST:]} == {429}
    assert 1 <= int(guesses[-1].headers["Retry-After"]) <= 2
    assert plain_http.get(panel.url, auth=("rider", "open sesame")).status_code == 429
    assert plain_http.get(f"{panel.url}/healthz").status_code == 200
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2"), trust_env=False) as other:
        assert other.get(panel.url, auth=("rider", "open sesame")).status_code == 200


def test_a_connection_serves_as_many_requests_as_its_server_can(panel: PanelHarness, sockets: ExitStack) -> None:
    panel.start()
    client = dial(panel, sockets, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    if panel.mode == "threading":  # Werkzeug's closes after each
        assert read_to_end(client).count(b"HTTP/1.1 200") == 1
        return
    wait_until(lambda: client.recv(65_536, socket.MSG_PEEK).count(b"HTTP/1.1 200") == 3, what="three answers")


def test_a_body_in_chunks_arrives(panel: PanelHarness, sockets: ExitStack) -> None:
    panel.start()

    def pieces() -> Iterator[bytes]:
        yield b'{"model": '
        yield b'"nothing"}'

    response = plain_http.post(
        f"{panel.url}/v1/chat/completions", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert "messages is missing" in response.text
    broken = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    assert dial(panel, sockets, broken).recv(12) == b"HTTP/1.1 400"
    endless = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    assert dial(panel, sockets, endless + chunk * 80).recv(12) == b"HTTP/1.1 413"


CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
IN_CHUNKS = b"Transfer-Encoding: chunked\r\n"


def test_a_body_in_single_bytes_with_extensions_and_a_trailer_arrives(panel: PanelHarness, sockets: ExitStack) -> None:
    panel.start()
    body = b'{"model": "nothing"}'
    pieces = b"".join(b'0001 ;name="a;b"\r\n' + body[at : at + 1] + b"\r\n" for at in range(len(body)))
    request = CHUNKED + IN_CHUNKS + b"\r\n" + pieces + b"0\r\nExpires: never\r\n\r\n"
    client = dial(panel, sockets, request + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.shutdown(socket.SHUT_WR)
    answers = read_to_end(client)
    assert b"messages is missing" in answers
    assert answers.count(b"HTTP/1.1 200") == (panel.mode == "eventlet")  # Werkzeug's closes after each


def test_odd_chunks_are_refused_and_smuggle_nothing(panel: PanelHarness, sockets: ExitStack) -> None:
    process = panel.start(fresh=True)
    healthy = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    empty = b"0\r\n\r\n"
    before = memory_mb(process.pid)
    for coding, body in [
        (IN_CHUNKS + b"Content-Length: 5\r\n", empty + healthy),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"2\r\n{}\r\n" + empty),
        (b"Transfer-Encoding: gzip\r\n", healthy),
        (IN_CHUNKS, b"-1\r\n{}\r\n" + empty),
        (IN_CHUNKS, b"0x2\r\n{}\r\n" + empty),
        (IN_CHUNKS, b"0_2\r\n{}\r\n" + empty),
        (IN_CHUNKS, b"2\r\n{}X\r\n" + empty),
        (IN_CHUNKS, b"f" * 20 + b"\r\n" + bytes(100)),
        (IN_CHUNKS, b"0" * 60_000_000),
        (IN_CHUNKS, b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 200_000),
    ]:
        client = dial(panel, sockets, CHUNKED + coding + b"\r\n")
        with suppress(OSError):  # it is not read to its end
            client.sendall(body)
            client.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            answer = read_to_end(client)
            assert answer[9:12] in (b"400", b"413", b"501"), (body[:50], answer[:200])
            assert answer.count(b"HTTP/1.") == 1, body[:50]
            assert b"is missing" not in answer, body[:50]
    assert memory_mb(process.pid) - before < 40
    assert page_s(panel) < 2
    assert "Traceback" not in panel.processes.log("panel.log")


def test_malformed_requests_are_closed(panel: PanelHarness, sockets: ExitStack) -> None:
    """A TLS handshake, an endless request line or header, and noise."""
    process = panel.start(fresh=True)
    before = memory_mb(process.pid)
    hello = bytes.fromhex("160301020001000101fc0303") + bytes(400)
    for head in [
        hello,
        bytes(1 << 20),
        b"\xff" * (1 << 20),
        b"GET /" + b"a" * (1 << 20),
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (1 << 20),
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX : y\r\n: z\r\n \r\n\x00: \x00\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\x0b/\x0bHTTP/1.1\r\n\r\n",
    ]:
        client = dial(panel, sockets, b"")
        with suppress(OSError):
            client.sendall(head)
            client.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            assert read_to_end(client)[9:10] != b"5", head[:50]
    assert page_s(panel) < 2
    assert memory_mb(process.pid) - before < 40
    log = panel.processes.log("panel.log")
    assert "Traceback" not in log
    assert log.replace("\n", "").isprintable()


@pytest.mark.slow
def test_one_byte_a_second_is_ended(panel: PanelHarness, sockets: ExitStack) -> None:
    """Of a request line of a megabyte: the whole request has ten seconds, however busy its client is."""
    panel.start()
    client = dial(panel, sockets, b"GET /")
    ended = threading.Event()

    def drip() -> None:
        with suppress(OSError):
            while not ended.wait(1.0):
                client.sendall(b"a")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    watch = Stopwatch.start()
    client.settimeout(REQUEST_S + 8)
    with suppress(ConnectionError):
        read_to_end(client)
    ended.set()
    thread.join(5)
    assert watch.elapsed_s < REQUEST_S + 5
    assert page_s(panel) < 2


def test_openings_by_websocket_are_counted_too_and_guessed_sessions_cost_none(
    panel: PanelHarness, sockets: ExitStack
) -> None:
    process = panel.start(fresh=True)
    before = memory_mb(process.pid)
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHost: localhost\r\n\r\n"
    answers = []
    for _ in range(OPEN_BURST + 20):
        client = dial(panel, sockets, b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + upgrade)
        answers.append(client.recv(12)[9:])
        if answers[-1] != b"101":
            client.close()
    assert answers[0] == b"101"
    assert answers.count(b"101") <= OPEN_BURST + 5
    assert answers[-1] in (b"429", b"503")
    with httpx.Client(trust_env=False) as guesser:
        url = f"{panel.url}/socket.io/?EIO=4&transport=polling"
        statuses = {guesser.get(f"{url}&sid=guess{number}").status_code for number in range(200)}
        statuses |= {guesser.post(f"{url}&sid=guess{number}", content=b"2").status_code for number in range(50)}
        statuses |= {guesser.post(url, content=b"2").status_code for _ in range(50)}
    assert statuses == {400}
    assert page_s(panel) < 2
    assert memory_mb(process.pid) - before < 50


def memory_mb(pid: int) -> int:
    """The process's peak memory."""
    (line,) = [it for it in Path(f"/proc/{pid}/status").read_text().splitlines() if it.startswith("VmHWM")]
    return int(line.split()[1]) >> 10
