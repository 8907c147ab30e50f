"""Network backend for httpcore: refuses forbidden addresses, and limits the total time.

Every name is resolved here, once for each connection, and the checked address is the one that is used, so that DNS
rebinding has no effect.
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
from rider_text_ollama.address import IpAddress, forbidden_reason

#: Stands for httpcore's None (no timeout), because it can be compared.
_FOREVER_S = 10 * 365 * 24 * 3600.0


class GuardedNetwork(httpcore.NetworkBackend):
    """httpcore's own connections with checks.

    Args:
        total_s: Seconds from now after which every connection times out. None: no such limit.
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
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in resolve(host, port, _left_s(deadline)):
            why = forbidden_reason(address)
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
    """A connection that times out at the deadline, whatever was sent before."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._remaining_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._remaining_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit_s = self._remaining_s(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, limit_s), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _remaining_s(self, timeout: float | None, late: type[Exception]) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise late("the total time limit is over")
        return left_s if timeout is None else min(timeout, left_s)


def resolve(host: str, port: int, timeout_s: float) -> list[IpAddress]:
    """The addresses of a name, in the system's order; an address is returned as it is.

    Raises:
        httpcore.ConnectError: there is no such name.
        httpcore.ConnectTimeout: the resolver did not answer in time. It cannot be interrupted: its thread ends after
            the resolver's own timeout, some seconds later.
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
    # A link-local IPv6 address has the interface's name after a percent sign.
    return [ipaddress.ip_address(sockaddr[0].partition("%")[0]) for *_, sockaddr in found]


def _left_s(deadline: float) -> float:
    # Never 0: a socket would become non-blocking and raise another error than a timeout.
    return max(0.001, deadline - time.monotonic())
