"""Connections for httpcore: to no forbidden address, and none that outlives its time.

Every name is resolved here, once, and what it stands for is judged and then used: a name that means another address a
moment later leads nowhere.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from rider_core.errors import ProviderUnavailable
from rider_text_ollama.address import IpAddress, why_forbidden

#: As good as none; httpcore knows no limit as None, and this one can be compared.
_FOREVER_S = 10 * 365 * 24 * 3600.0


class GuardedNetwork(httpcore.NetworkBackend):
    """httpcore's own connections, guarded.

    Args:
        total_s: All that goes over them must be done within so many seconds from now. None: no such limit.
    """

    def __init__(self, total_s: float | None = None) -> None:
        self._plain = httpcore.SyncBackend()
        self._deadline = time.monotonic() + (_FOREVER_S if total_s is None else total_s)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        deadline = min(self._deadline, time.monotonic() + (_FOREVER_S if timeout is None else timeout))
        problem: Exception = httpcore.ConnectError(f"{host} stands for no address")
        for address in resolve(host, port, _left_s(deadline)):
            why = why_forbidden(address)
            if why:
                raise ProviderUnavailable(
                    f"the Ollama server {host} is {address}, which {why}",
                    remedy="correct the setting `host`, or the name's entry in the DNS",
                )
            try:
                stream = self._plain.connect_tcp(str(address), port, _left_s(deadline), local_address, socket_options)
                return _TimedStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem


class _TimedStream(httpcore.NetworkStream):
    """A connection that is silent at the deadline, however busy it was before."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._sooner_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._sooner_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit_s = self._sooner_s(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, limit_s), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _sooner_s(self, timeout: float | None, late: type[Exception]) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise late("the time for the whole answer is over")
        return left_s if timeout is None else min(timeout, left_s)


def resolve(host: str, port: int, timeout_s: float) -> list[IpAddress]:
    """The addresses that a name stands for, in the system's order; an address stands for itself.

    Raises:
        httpcore.ConnectError: there is no such name.
        httpcore.ConnectTimeout: nobody said within the time. The system's resolver cannot be interrupted: the thread
            that asked it ends when it gives up by itself, after some seconds.
    """
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(OSError("it is not a host name"))

    threading.Thread(target=ask, name=f"resolve {host[:40]}", daemon=True).start()
    try:
        found = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise httpcore.ConnectTimeout(f"the name was not resolved within {timeout_s:.1f} s") from None
    if isinstance(found, OSError):
        raise httpcore.ConnectError(str(found))
    # A link-local IPv6 address comes with the interface's name behind a percent sign.
    return [ipaddress.ip_address(sockaddr[0].partition("%")[0]) for *_, sockaddr in found]


def _left_s(deadline: float) -> float:
    # Never 0: a socket would not wait at all, and say something else than that the time is over.
    return max(0.001, deadline - time.monotonic())
