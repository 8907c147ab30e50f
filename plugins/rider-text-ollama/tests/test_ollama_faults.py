"""Servers that fail, hang or send invalid or endless responses: one clear error each, and the next request works."""

from __future__ import annotations

import threading
import time
from typing import Any

import ollama
import pytest
from fake_ollama import TALKER, FakeOllama
from ollama_harness import ask, collect_until_error, make_provider
from rider_text_ollama import OllamaTextGenerator
from rider_text_ollama.ndjson import CHAT_LIMITS

from rider_core.errors import InvalidInput, ModelError, ProviderError, ProviderUnavailable, RiderError
from rider_core.testing import wait_until

NOT_OLLAMA = "not in Ollama's format"


@pytest.mark.parametrize(
    ("fault", "kind", "expected"),
    [
        ("malformed", ProviderError, NOT_OLLAMA),
        ("list", ProviderError, NOT_OLLAMA),
        ("deep", ProviderError, NOT_OLLAMA),
        ("digits", ProviderError, NOT_OLLAMA),
        ("other_types", ProviderError, NOT_OLLAMA),
        ("empty_object", ProviderError, NOT_OLLAMA),
        ("error_object", ProviderError, NOT_OLLAMA),
        ("html", ProviderError, NOT_OLLAMA),
        ("half_line", ProviderError, NOT_OLLAMA),
        ("gzip", ProviderError, "encoding 'gzip'"),
        ("error_line", ProviderError, "failed during the answer: an error was encountered"),
        ("400", InvalidInput, "HTTP 400"),
        ("401", ProviderUnavailable, "HTTP 401"),
        ("404", ProviderUnavailable, "is no Ollama server: HTTP 404"),
        ("500", ProviderError, "HTTP 500"),
        ("503", ProviderError, "is busy"),
        ("huge_error", ProviderError, "an answer of more than"),
        ("redirect", ProviderUnavailable, "HTTP 302"),
        ("half_way", ProviderError, "broke off"),
        ("no_end", ProviderError, "ended the answer early"),
        ("reset", ProviderError, "broke off"),
        ("silence", ProviderError, "sent nothing for 0.4 s"),
        ("no_head", ProviderError, "sent nothing for 0.4 s"),
        ("drip", ProviderError, "sent nothing for 0.4 s"),
        ("huge_line", ProviderError, "a line of more than"),
        ("many_bytes", ProviderError, "an answer of more than"),
        ("endless", ProviderError, "where 8 tokens were requested"),
        ("only_thinking", ProviderError, "did not answer after its thinking within 8 tokens"),
    ],
)
def test_fault(
    fake_ollama: FakeOllama, provider: OllamaTextGenerator, fault: str, kind: type[RiderError], expected: str
) -> None:
    before = set(threading.enumerate())
    fake_ollama.fault = fault
    started = time.monotonic()
    text, error = collect_until_error(provider, ask())
    assert time.monotonic() - started < 5
    assert type(error) is kind or (kind is ProviderError and type(error).__base__ is ProviderError), repr(error)
    assert expected in error.message
    assert error.message.isprintable(), "the server's control characters are in the message"
    assert len(error.message) < 600
    assert text.replace("A stand-in", "").replace(" stand-in", "") == "", "a text that the server did not send"
    fake_ollama.mend()
    assert "stand-in" in provider.generate(ask()).text
    wait_until(lambda: not set(threading.enumerate()) - before, what="the end of the connections")


def test_an_endless_response_is_limited(fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
    for fault in ("huge_line", "many_bytes"):
        fake_ollama.mend()
        fake_ollama.fault = fault
        collect_until_error(provider, ask())
        # With the bytes in the sockets' buffers.
        assert fake_ollama.sent_bytes < CHAT_LIMITS.total + 16 * 1024**2


def test_closing_early_stops_the_server(
    fake_ollama: FakeOllama, provider: OllamaTextGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A reference to the client's generator must not keep the connection open.
    generators: list[Any] = []
    chat = ollama.Client.chat

    def keep_generator(*arguments: Any, **options: Any) -> Any:
        generators.append(chat(*arguments, **options))
        return generators[-1]

    monkeypatch.setattr(ollama.Client, "chat", keep_generator)
    fake_ollama.fault = "endless"
    stream = provider.generate_stream(ask())
    assert next(stream) == " stand-in"
    assert fake_ollama.aborted == 0
    stream.close()
    wait_until(lambda: fake_ollama.aborted == 1, what="the closed connection at the server")
    assert len(generators) == 1


def test_no_connection_is_kept(provider: OllamaTextGenerator) -> None:
    before = set(threading.enumerate())
    collect_until_error(provider, ask(model="no-such-model"))
    wait_until(lambda: not set(threading.enumerate()) - before, what="the end of the connection")


def test_characters_cut_in_pieces(fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
    fake_ollama.fault = "split"
    assert provider.generate(ask()).text == "A stand-in: żółw 🐢"


def test_characters_that_python_takes_for_ends_of_lines(fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
    fake_ollama.fault = "line_ends"
    assert provider.generate(ask()).text == "\x85\u2028\u2029"


def test_a_redirect_is_not_followed(fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
    fake_ollama.fault = "redirect"
    collect_until_error(provider, ask())
    assert "/elsewhere/api/chat" not in [path for _, path, _, _ in fake_ollama.requests]


def test_a_model_that_is_gone(fake_ollama: FakeOllama, provider: OllamaTextGenerator) -> None:
    fake_ollama.models.remove(TALKER)
    _, error = collect_until_error(provider, ask())
    assert (type(error), error.remedy) == (ModelError, f"rider ollama pull {TALKER}")


def test_a_server_that_is_gone_and_comes_back() -> None:
    server = FakeOllama()
    port = server.server_port
    provider = make_provider(server.url)
    provider.open()
    server.close()
    _, error = collect_until_error(provider, ask())
    assert isinstance(error, ProviderUnavailable)
    assert "Connection refused" in error.message
    assert (error.remedy or "").startswith("ollama serve")
    again = FakeOllama(port)
    assert provider.generate(ask()).text
    provider.close()
    again.close()
