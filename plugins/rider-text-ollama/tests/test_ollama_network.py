"""The network backend: forbidden addresses, and the total time limit."""

from __future__ import annotations

import socket
import time
from typing import Any

import httpcore
import pytest
from fake_ollama import FakeOllama
from ollama_harness import make_provider
from rider_text_ollama.network import GuardedNetwork

from rider_core.errors import ProviderUnavailable


def test_the_total_time_limit_ends_a_silent_connection() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        stream = GuardedNetwork(total_s=0.2).connect_tcp("127.0.0.1", silent.getsockname()[1], timeout=60)
        started = time.monotonic()
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(1, timeout=60)
        assert time.monotonic() - started < 5
        stream.close()


class TestForbiddenAddresses:
    @pytest.mark.parametrize(
        "address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200"]
    )
    def test_behind_a_name(self, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        port = fake_ollama.server_port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        found = [(family, socket.SOCK_STREAM, 6, "", (address, port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
        with pytest.raises(ProviderUnavailable, match=r"which is (link-local|a cloud's metadata service)"):
            make_provider(f"http://innocent.example:{port}").models()

    def test_a_name_is_resolved_once(self, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
        """The checked address is the one that is used: DNS rebinding has no effect."""
        answers = [[(socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))], [(socket.AF_INET, 1, 6, "", ("169.254.169.254", 0))]]
        monkeypatch.setattr(socket, "getaddrinfo", _literal_or(answers))
        assert make_provider(f"http://rebound.example:{fake_ollama.server_port}").models()
        assert len(answers) == 1


def _literal_or(answers: list[Any]) -> Any:
    real = socket.getaddrinfo

    def resolver(host: str, *arguments: Any, **options: Any) -> Any:
        return answers.pop(0) if "example" in str(host) else real(host, *arguments, **options)

    return resolver
