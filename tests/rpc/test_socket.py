"""Requests over a Unix socket: permissions, the cost of misbehaving clients, and requests that are not executed."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from echo_handler import EchoHandler

from rider_core.errors import ConfigError, NoAnswer, NotRunning, TooLarge
from rider_core.rpc import SocketServer, ask_socket
from rider_core.rpc.handling import MAX_CONCURRENT, MAX_REQUEST_BYTES
from rider_core.rpc.socket_server import MAX_CONNECTIONS
from rider_core.testing.waiting import wait_until

#: Serves until it is killed.
SERVER = """
import sys, threading
from pathlib import Path
from rider_core.rpc import SocketServer
class Handler:
    def answer(self, request, left_s): return b"from the child"
    def refuse(self, error): return b"refused"
SocketServer(Path(sys.argv[1]), Handler()).start()
print("ready", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "link.sock"


@pytest.fixture
def handler() -> EchoHandler:
    return EchoHandler()


@pytest.fixture
def server(path: Path, handler: EchoHandler) -> Iterator[SocketServer]:
    server = SocketServer(path, handler)
    server.start()
    yield server
    handler.gate.set()
    server.stop()


@pytest.fixture
def child(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A server in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", SERVER, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield child
        child.kill()


def connected(path: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10)
    peer.connect(str(path))
    return peer


def test_a_request_is_answered(server: SocketServer, path: Path) -> None:
    assert ask_socket(path, b"hello", 2) == b"HELLO"


def test_its_owner_alone_may_connect(path: Path, handler: EchoHandler) -> None:
    path.parent.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        server = SocketServer(path, handler)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    server.stop()
    assert not path.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the way around the limit is Linux's")
def test_a_path_may_be_longer_than_the_kernel_takes(tmp_path: Path, handler: EchoHandler) -> None:
    path = tmp_path / ("long" * 30) / "link.sock"
    server = SocketServer(path, handler)
    server.start()
    assert ask_socket(path, b"hello", 2) == b"HELLO"
    server.stop()
    with pytest.raises(NotRunning):
        ask_socket(path, b"hello", 2)


def test_the_socket_of_a_killed_process_is_replaced(
    child: subprocess.Popen[str], path: Path, handler: EchoHandler
) -> None:
    child.kill()
    child.wait()
    with pytest.raises(NotRunning, match="no process listens"):
        ask_socket(path, b"hello", 2)
    assert path.exists()
    server = SocketServer(path, handler)
    server.start()
    assert ask_socket(path, b"hello", 2) == b"HELLO"
    server.stop()


def test_the_socket_of_a_living_process_is_not_replaced(
    child: subprocess.Popen[str], path: Path, handler: EchoHandler
) -> None:
    for number in (signal.SIGCONT, signal.SIGSTOP):
        child.send_signal(number)
        with pytest.raises(ConfigError, match=rf"number {child.pid}\) listens"):
            SocketServer(path, handler)
    child.send_signal(signal.SIGCONT)
    assert ask_socket(path, b"hello", 2) == b"from the child"


def test_a_process_that_stands_still_is_noticed_in_time(child: subprocess.Popen[str], path: Path) -> None:
    child.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(NoAnswer, match="no answer on") as raised:
        ask_socket(path, b"hello", 0.5)
    assert not isinstance(raised.value, NotRunning)
    assert time.monotonic() - began < 2


def test_a_request_whose_client_hung_up_is_not_executed(path: Path, handler: EchoHandler) -> None:
    """The server was suspended until the client gave up."""
    waiting = SocketServer(path, handler)
    with pytest.raises(NoAnswer):
        ask_socket(path, b"late", 0.2)
    waiting.start()
    assert ask_socket(path, b"in time", 2) == b"IN TIME"
    assert handler.executed == [b"in time"]
    waiting.stop()


@pytest.mark.parametrize("garbage", [b"\n", b"\xff\xfe\x00\n", b"no line end"])
def test_garbage_costs_nothing(server: SocketServer, path: Path, garbage: bytes) -> None:
    with connected(path) as peer:
        peer.sendall(garbage)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(100):
            pass
    assert ask_socket(path, b"hello", 2) == b"HELLO"


def test_a_large_request_is_refused_unread(server: SocketServer, path: Path, handler: EchoHandler) -> None:
    with connected(path) as peer:
        try:
            peer.sendall(b"x" * (10 * MAX_REQUEST_BYTES))
            answer = peer.recv(100)
        except OSError:  # it hung up while more was coming
            answer = b""
    assert answer in (b"", b'{"refused": "too_large"}\n')
    with connected(path) as peer:
        peer.sendall(b"x" * (MAX_REQUEST_BYTES + 1))
        assert peer.recv(100) == b'{"refused": "too_large"}\n'
    assert handler.executed == []
    with pytest.raises(TooLarge):
        ask_socket(path, b"x" * (MAX_REQUEST_BYTES + 1), 2)
    assert ask_socket(path, b"hello", 2) == b"HELLO"


def test_silent_connections_cost_nothing(server: SocketServer, path: Path) -> None:
    silent = [connected(path) for _ in range(100)]
    began = time.monotonic()
    assert ask_socket(path, b"hello", 2) == b"HELLO"
    assert time.monotonic() - began < 1
    assert len(server._connections) <= MAX_CONNECTIONS
    for peer in silent:
        assert peer.recv(1) == b"", "it was closed"
        peer.close()
    assert server._connections == {}


def test_more_at_once_than_it_executes_are_refused(server: SocketServer, path: Path, handler: EchoHandler) -> None:
    handler.gate.clear()
    peers = [connected(path) for _ in range(MAX_CONCURRENT)]
    for peer in peers:
        peer.sendall(b"slow\n")
    wait_until(lambda: len(handler.executed) == MAX_CONCURRENT)
    assert ask_socket(path, b"one more", 2) == b'{"refused": "no_answer"}'
    handler.gate.set()
    for peer in peers:
        assert peer.recv(100) == b"SLOW\n"
        peer.close()
    wait_until(lambda: ask_socket(path, b"hello", 2) == b"HELLO", what="a free slot")
