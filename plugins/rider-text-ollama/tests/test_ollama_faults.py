"""Servers that fail, lie, hang or flood: each gives one clear error, and the next request works. Stand-in only."""

from __future__ import annotations

import threading
import time
from typing import Any

import ollama
import pytest
from ollama_in_tests import ask, gather, made
from ollama_stand_in import TALKER, StandIn
from rider_text_ollama import OllamaTextGenerator
from rider_text_ollama.lines import CHAT_LIMITS

from rider_core.errors import InvalidInput, ModelError, ProviderError, ProviderUnavailable, RiderError
from rider_core.testing import wait_until

NOT_OLLAMA = "not in Ollama's form"


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
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
        ("error_line", ProviderError, "failed in mid-answer: an error was encountered"),
        ("400", InvalidInput, "HTTP 400"),
        ("401", ProviderUnavailable, "HTTP 401"),
        ("404", ProviderUnavailable, "it answers 404"),
        ("500", ProviderError, "HTTP 500"),
        ("503", ProviderError, "is busy"),
        ("huge_error", ProviderError, "an answer of more than"),
        ("redirect", ProviderUnavailable, "HTTP 302"),
        ("half_way", ProviderError, "broke off"),
        ("no_end", ProviderError, "broke off in mid-answer"),
        ("reset", ProviderError, "broke off"),
        ("silence", ProviderError, "said nothing for 0.4 s"),
        ("no_head", ProviderError, "said nothing for 0.4 s"),
        ("drip", ProviderError, "said nothing for 0.4 s"),
        ("huge_line", ProviderError, "a line of more than"),
        ("many_bytes", ProviderError, "an answer of more than"),
        ("endless", ProviderError, "where 8 tokens were asked for"),
        ("only_thinking", ProviderError, "thought and said nothing within 8 tokens"),
    ],
)
def test_fault(stand_in: StandIn, provider: OllamaTextGenerator, fault: str, kind: type[RiderError], said: str) -> None:
    before = set(threading.enumerate())
    stand_in.fault = fault
    started = time.monotonic()
    text, error = gather(provider, ask())
    assert time.monotonic() - started < 5
    assert type(error) is kind or (kind is ProviderError and type(error).__base__ is ProviderError), repr(error)
    assert said in error.message
    assert error.message.isprintable(), "the server's control characters are in the message"
    assert len(error.message) < 600
    assert text.replace("A stand-in", "").replace(" stand-in", "") == "", "something was said that nobody sent"
    stand_in.mend()
    assert "stand-in" in provider.generate(ask()).text
    wait_until(lambda: not set(threading.enumerate()) - before, what="the end of the connections")


def test_no_flood_gets_far(stand_in: StandIn, provider: OllamaTextGenerator) -> None:
    for fault in ("huge_line", "many_bytes"):
        stand_in.mend()
        stand_in.fault = fault
        gather(provider, ask())
        # What was on its way in the sockets' buffers counts too.
        assert stand_in.sent_bytes < CHAT_LIMITS.total + 16 * 1024**2


def test_closing_early_stops_the_server(
    stand_in: StandIn, provider: OllamaTextGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever still holds the client's generator must not keep the connection open.
    held: list[Any] = []
    chat = ollama.Client.chat
    monkeypatch.setattr(ollama.Client, "chat", lambda *them, **more: held.append(chat(*them, **more)) or held[-1])
    stand_in.fault = "endless"
    stream = provider.generate_stream(ask())
    assert next(stream) == " stand-in"
    assert stand_in.aborted == 0
    stream.close()
    wait_until(lambda: stand_in.aborted == 1, what="the server's notice that nobody listens")
    assert len(held) == 1


def test_no_connection_is_kept(provider: OllamaTextGenerator) -> None:
    before = set(threading.enumerate())
    gather(provider, ask(model="no-such-model"))
    wait_until(lambda: not set(threading.enumerate()) - before, what="the end of the connection")


def test_characters_cut_in_pieces(stand_in: StandIn, provider: OllamaTextGenerator) -> None:
    stand_in.fault = "split"
    assert provider.generate(ask()).text == "A stand-in: żółw 🐢"


def test_characters_that_python_takes_for_ends_of_lines(stand_in: StandIn, provider: OllamaTextGenerator) -> None:
    stand_in.fault = "line_ends"
    assert provider.generate(ask()).text == "\x85\u2028\u2029"


def test_a_redirect_is_not_followed(stand_in: StandIn, provider: OllamaTextGenerator) -> None:
    stand_in.fault = "redirect"
    gather(provider, ask())
    assert "/elsewhere/api/chat" not in [path for _, path, _, _ in stand_in.requests]


def test_a_model_that_is_gone(stand_in: StandIn, provider: OllamaTextGenerator) -> None:
    stand_in.models.remove(TALKER)
    _, error = gather(provider, ask())
    assert (type(error), error.remedy) == (ModelError, f"rider ollama pull {TALKER}")


def test_a_server_that_is_gone_and_comes_back() -> None:
    server = StandIn()
    port = server.server_port
    provider = made(server.url)
    provider.open()
    server.close()
    _, error = gather(provider, ask())
    assert isinstance(error, ProviderUnavailable)
    assert "Connection refused" in error.message
    assert (error.remedy or "").startswith("ollama serve")
    again = StandIn(port)
    assert provider.generate(ask()).text
    provider.close()
    again.close()
