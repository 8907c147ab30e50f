"""The client of a Unix socket: one request, one answer, within a time limit."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from rider_core.errors import NoAnswer, NotRunning
from rider_core.rpc.handling import MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, too_large_error
from rider_core.rpc.socket_path import short_path


def ask_socket(path: Path, request: bytes, limit_s: float) -> bytes:
    """Send `request` to the server on `path`.

    Raises:
        NotRunning: no process listens there.
        NoAnswer: there was no whole answer within `limit_s` seconds.
        TooLarge: the request is longer than a server takes.
    """
    if len(request) > MAX_REQUEST_BYTES:
        raise too_large_error()
    end = time.monotonic() + limit_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(limit_s)
        try:
            with short_path(path) as name:
                peer.connect(name)
        except (TimeoutError, BlockingIOError) as error:  # its queue of connections is full
            raise NoAnswer(f"the process that listens on {path} accepts no connections") from error
        except OSError as error:
            raise NotRunning(f"no process listens on {path}: {error.strerror or error}") from error
        try:
            peer.sendall(request + b"\n")
            return _line(peer, end)
        except TimeoutError:
            raise NoAnswer(f"no answer on {path} within {limit_s:g} s") from None
        except OSError as error:
            raise NoAnswer(f"the connection to {path} broke off: {error.strerror or error}") from error


def _line(peer: socket.socket, end: float) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        left_s = end - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        peer.settimeout(left_s)
        data = peer.recv(65_536)
        received += data
        if not data:
            raise NoAnswer("the server ended, or closed the connection, before its answer")
        if len(received) > MAX_ANSWER_BYTES:
            raise NoAnswer(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
    return bytes(received[:-1])
