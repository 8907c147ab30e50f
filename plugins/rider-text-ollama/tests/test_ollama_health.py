"""Health checks: fast whatever the server does, and with a remedy."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from fake_ollama import FakeOllama
from ollama_harness import make_provider
from rider_text_ollama import OllamaTextGenerator

from rider_core.api import HealthStatus


def healthy_within(provider: OllamaTextGenerator, limit_s: float = 1.0) -> tuple[HealthStatus, str, str]:
    started = time.monotonic()
    health = provider.health()
    elapsed_s = time.monotonic() - started
    assert elapsed_s < limit_s, f"it took {elapsed_s:.2f} s"
    return health.status, health.reason, health.remedy or ""


def test_no_server() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        provider = make_provider(f"http://127.0.0.1:{unused.getsockname()[1]}")
        status, reason, remedy = healthy_within(provider)
    assert (status, remedy) == (HealthStatus.UNAVAILABLE, "ollama serve, or correct the setting `host`")
    assert "Connection refused" in reason


def test_black_hole() -> None:
    """A full backlog: the kernel drops connection attempts, as a firewall does."""
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        provider = make_provider(f"http://127.0.0.1:{deaf.getsockname()[1]}", connect_timeout_s=60)
        status, reason, _ = healthy_within(provider)
    assert status is HealthStatus.UNAVAILABLE
    assert "no Ollama server answers" in reason


@pytest.mark.parametrize("fault", ["no_head", "dripping_head", "drip"])
def test_a_server_that_hangs(fake_ollama: FakeOllama, fault: str) -> None:
    fake_ollama.fault, fake_ollama.fault_path = fault, "/api/tags"
    status, reason, _ = healthy_within(make_provider(fake_ollama.url, read_timeout_s=120))
    assert status is HealthStatus.DEGRADED
    assert "sent nothing for 0.5 s" in reason


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()

    def resolver(*arguments: Any, **options: Any) -> list[Any]:
        gone.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    status, reason, remedy = healthy_within(make_provider("http://ollama.example"))
    gone.set()
    assert (status, remedy.startswith("start `ollama serve` on ollama.example")) == (HealthStatus.UNAVAILABLE, True)
    assert "not resolved" in reason


def test_loads_nothing(fake_ollama: FakeOllama) -> None:
    make_provider(fake_ollama.url).health()
    assert [(method, path) for method, path, _, _ in fake_ollama.requests] == [("GET", "/api/tags")]


def test_no_model_yet(fake_ollama: FakeOllama) -> None:
    fake_ollama.models.clear()
    status, reason, remedy = healthy_within(make_provider(fake_ollama.url))
    assert (status, remedy) == (HealthStatus.UNAVAILABLE, "rider ollama pull gemma3:4b")
    assert "no model yet" in reason


@pytest.mark.parametrize("fault", ["html", "500", "404", "malformed"])
def test_another_server(fake_ollama: FakeOllama, fault: str) -> None:
    fake_ollama.fault, fake_ollama.fault_path = fault, "/api/tags"
    assert healthy_within(make_provider(fake_ollama.url))[0] is HealthStatus.UNAVAILABLE
