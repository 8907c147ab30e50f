"""Servers that fail, lie, hang or flood: each gives one clear error, and the next request works. Stand-in only."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpcore
import ollama
import pytest
from ollama_stand_in import RAW, TALKER, THINKER, StandIn
from rider_text_ollama import OllamaTextGenerator
from rider_text_ollama.config import OllamaConfig
from rider_text_ollama.lines import CHAT_LIMITS
from rider_text_ollama.network import GuardedNetwork

from rider_core.api import GenerateRequest, HealthStatus, ProviderContext
from rider_core.errors import InvalidInput, ModelError, ProviderError, ProviderUnavailable, RiderError
from rider_core.testing import wait_until

READ_TIMEOUT_S = 0.4
NOT_OLLAMA = "not in Ollama's form"


def made(url: str, **settings: Any) -> OllamaTextGenerator:
    settings = {"read_timeout_s": READ_TIMEOUT_S, "connect_timeout_s": 0.4, **settings}
    return OllamaTextGenerator(OllamaConfig(host=url, **settings), ProviderContext())


@pytest.fixture
def provider(stand_in: StandIn) -> Iterator[OllamaTextGenerator]:
    provider = made(stand_in.url)
    provider.open()
    yield provider
    provider.close()


def ask(**more: Any) -> GenerateRequest:
    return GenerateRequest(**{"prompt": "Who are you?", "max_tokens": 8, "temperature": 0, **more})


def gather(provider: OllamaTextGenerator, request: GenerateRequest) -> tuple[str, RiderError]:
    """What came before the error, and the error."""
    pieces: list[str] = []
    stream = provider.generate_stream(request)
    with pytest.raises(RiderError) as caught:
        pieces.extend(iter(lambda: next(stream), None))
    return "".join(pieces), caught.value


class TestChat:
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
    def test_fault(
        self, stand_in: StandIn, provider: OllamaTextGenerator, fault: str, kind: type[RiderError], said: str
    ) -> None:
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

    def test_no_flood_gets_far(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        for fault in ("huge_line", "many_bytes"):
            stand_in.mend()
            stand_in.fault = fault
            gather(provider, ask())
            # What was on its way in the sockets' buffers counts too.
            assert stand_in.sent_bytes < CHAT_LIMITS.total + 16 * 1024**2

    def test_closing_early_stops_the_server(
        self, stand_in: StandIn, provider: OllamaTextGenerator, monkeypatch: pytest.MonkeyPatch
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

    def test_no_connection_is_kept(self, provider: OllamaTextGenerator) -> None:
        before = set(threading.enumerate())
        gather(provider, ask(model="no-such-model"))
        wait_until(lambda: not set(threading.enumerate()) - before, what="the end of the connection")

    def test_characters_cut_in_pieces(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        stand_in.fault = "split"
        assert provider.generate(ask()).text == "A stand-in: żółw 🐢"

    def test_characters_that_python_takes_for_ends_of_lines(
        self, stand_in: StandIn, provider: OllamaTextGenerator
    ) -> None:
        stand_in.fault = "line_ends"
        assert provider.generate(ask()).text == "\x85\u2028\u2029"

    def test_a_redirect_is_not_followed(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        stand_in.fault = "redirect"
        gather(provider, ask())
        assert "/elsewhere/api/chat" not in [path for _, path, _, _ in stand_in.requests]

    def test_a_model_that_is_gone(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        stand_in.models.remove(TALKER)
        _, error = gather(provider, ask())
        assert (type(error), error.remedy) == (ModelError, f"rider ollama pull {TALKER}")

    def test_a_server_that_is_gone_and_comes_back(self) -> None:
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


class TestThinking:
    @pytest.mark.parametrize("model", [THINKER, RAW])
    def test_is_not_said(self, provider: OllamaTextGenerator, model: str) -> None:
        text = provider.generate(ask(model=model)).text
        assert text.startswith("A stand-in says:")
        assert "thinks" not in text

    def test_is_not_asked_for(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        provider.generate(ask())
        assert stand_in.last("/api/chat")["think"] is False


class TestWhatIsSent:
    def test_options(self, stand_in: StandIn) -> None:
        provider = made(stand_in.url, context_tokens=4096, keep_alive_s=60, system_prompt="Be a robot.")
        provider.open()
        provider.generate(ask(seed=3, top_p=0.5, stop=("x", "y"), temperature=0.25))
        body = stand_in.last("/api/chat")
        provider.close()
        assert body["options"] == {
            "num_predict": 8, "temperature": 0.25, "top_p": 0.5, "seed": 3, "stop": ["x", "y"], "num_ctx": 4096
        }  # fmt: skip
        assert (body["keep_alive"], body["stream"], body["model"]) == (60, True, TALKER)
        assert body["messages"] == [
            {"role": "system", "content": "Be a robot."}, {"role": "user", "content": "Who are you?"}
        ]  # fmt: skip

    def test_what_is_not_set_is_left_to_the_server(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        provider.generate(ask(temperature=None))
        body = stand_in.last("/api/chat")
        assert "keep_alive" not in body
        assert body["options"] == {"num_predict": 8, "top_p": 1.0}

    def test_proxies_are_for_others(self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert made(stand_in.url).models()

    def test_the_key_for_the_makers_cloud_goes_nowhere_in_the_clear(
        self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OLLAMA_API_KEY", "canary")
        made(stand_in.url).models()
        assert "canary" not in str(stand_in.requests)

    def test_credentials_reach_the_server_and_nobody_else(
        self, stand_in: StandIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        provider = made(stand_in.url.replace("://", "://ada:can%20ary@"))
        provider.open()
        stand_in.fault = "401"
        _, error = gather(provider, ask())
        assert "Basic YWRhOmNhbiBhcnk=" in str(stand_in.requests)
        shown = [repr(provider.config), str(provider.config.model_dump()), repr(provider.config.address)]
        shown += [str(provider.details()), str(provider.health()), str(error), repr(error), caplog.text]
        provider.close()
        assert not [text for text in shown if "canary" in text or "can%20ary" in text or "can ary" in text]


class TestIdentity:
    def test_is_name_and_digest(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        default = provider.model_identity(ask())
        assert default == provider.model_identity(ask(model="stand-in"))
        assert re.fullmatch(r"stand-in:latest@[0-9a-f]{64}", default)
        assert provider.model_identity(ask(model=RAW)) != default
        assert provider.model_identity(ask(model="nonesuch")) == "nonesuch:latest@"

    def test_a_model_that_was_pulled_anew_is_another(
        self, stand_in: StandIn, provider: OllamaTextGenerator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rider_text_ollama.provider.IDENTITY_AGE_S", 0.0)
        before = provider.model_identity(ask())
        stand_in.version += 1
        assert provider.model_identity(ask()) != before

    def test_is_not_asked_for_every_time(self, stand_in: StandIn, provider: OllamaTextGenerator) -> None:
        stand_in.requests.clear()
        for _ in range(10):
            provider.model_identity(ask())
        assert len(stand_in.requests) <= 2


class TestHealth:
    def healthy_within(self, provider: OllamaTextGenerator, limit_s: float = 1.0) -> tuple[HealthStatus, str, str]:
        started = time.monotonic()
        health = provider.health()
        elapsed_s = time.monotonic() - started
        assert elapsed_s < limit_s, f"it took {elapsed_s:.2f} s"
        return health.status, health.reason, health.remedy or ""

    def test_nobody_listens(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            provider = made(f"http://127.0.0.1:{unused.getsockname()[1]}")
            status, reason, remedy = self.healthy_within(provider)
        assert (status, remedy) == (HealthStatus.UNAVAILABLE, "ollama serve, or correct the setting `host`")
        assert "Connection refused" in reason

    def test_black_hole(self) -> None:
        """A full backlog: the kernel drops what would connect, as a firewall does."""
        with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            for waiting in (first, second):
                waiting.setblocking(False)
                waiting.connect_ex(deaf.getsockname())
            provider = made(f"http://127.0.0.1:{deaf.getsockname()[1]}", connect_timeout_s=60)
            status, reason, _ = self.healthy_within(provider)
        assert status is HealthStatus.UNAVAILABLE
        assert "no Ollama server answers" in reason

    @pytest.mark.parametrize("fault", ["no_head", "dripping_head", "drip"])
    def test_a_server_that_hangs(self, stand_in: StandIn, fault: str) -> None:
        stand_in.fault, stand_in.fault_path = fault, "/api/tags"
        status, reason, _ = self.healthy_within(made(stand_in.url, read_timeout_s=120))
        assert status is HealthStatus.DEGRADED
        assert "said nothing for 0.5 s" in reason

    def test_a_name_that_nobody_resolves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = threading.Event()

        def resolver(*arguments: Any, **options: Any) -> list[Any]:
            gone.wait(10)
            return []

        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        status, reason, remedy = self.healthy_within(made("http://ollama.example"))
        gone.set()
        assert (status, remedy.startswith("start `ollama serve` on ollama.example")) == (HealthStatus.UNAVAILABLE, True)
        assert "not resolved" in reason

    def test_the_time_for_everything_counts_while_nothing_comes(self) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(1)
            stream = GuardedNetwork(total_s=0.2).connect_tcp("127.0.0.1", silent.getsockname()[1], timeout=60)
            started = time.monotonic()
            with pytest.raises(httpcore.ReadTimeout):
                stream.read(1, timeout=60)
            assert time.monotonic() - started < 5
            stream.close()

    def test_loads_nothing(self, stand_in: StandIn) -> None:
        made(stand_in.url).health()
        assert [(method, path) for method, path, _, _ in stand_in.requests] == [("GET", "/api/tags")]

    def test_no_model_yet(self, stand_in: StandIn) -> None:
        stand_in.models.clear()
        status, reason, remedy = self.healthy_within(made(stand_in.url))
        assert (status, remedy) == (HealthStatus.UNAVAILABLE, "rider ollama pull gemma3:4b")
        assert "no model yet" in reason

    @pytest.mark.parametrize("fault", ["html", "500", "404", "malformed"])
    def test_something_else_listens(self, stand_in: StandIn, fault: str) -> None:
        stand_in.fault, stand_in.fault_path = fault, "/api/tags"
        assert self.healthy_within(made(stand_in.url))[0] is HealthStatus.UNAVAILABLE


class TestForbiddenAddresses:
    @pytest.mark.parametrize(
        "address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200"]
    )
    def test_behind_a_name(self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        port = stand_in.server_port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        found = [(family, socket.SOCK_STREAM, 6, "", (address, port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
        with pytest.raises(ProviderUnavailable, match=r"which is (link-local|a cloud's metadata service)"):
            made(f"http://innocent.example:{port}").models()

    def test_a_name_is_resolved_once(self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was judged is what is used: the second answer of a rebinding DNS is never asked for."""
        answers = [[(socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))], [(socket.AF_INET, 1, 6, "", ("169.254.169.254", 0))]]
        monkeypatch.setattr(socket, "getaddrinfo", _literal_or(answers))
        assert made(f"http://rebound.example:{stand_in.server_port}").models()
        assert len(answers) == 1

    def test_models_for_vectors_are_not_offered(self, stand_in: StandIn) -> None:
        assert not [name for name in made(stand_in.url).models() if "embed" in name]


def _literal_or(answers: list[Any]) -> Any:
    real = socket.getaddrinfo

    def resolver(host: str, *arguments: Any, **options: Any) -> Any:
        return answers.pop(0) if "example" in str(host) else real(host, *arguments, **options)

    return resolver
