"""Without a server: addresses, settings, thinking, NDJSON limits, sanitizing, and imports."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError
from rider_text_ollama.address import parse_address
from rider_text_ollama.client import ServerModel
from rider_text_ollama.config import OllamaConfig, full_name
from rider_text_ollama.ndjson import BoundedNdjsonStream, Limits
from rider_text_ollama.sanitize import one_line, pull_command
from rider_text_ollama.thinking import ThinkingFilter

from rider_core.errors import ConfigError, ProviderError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::]:11434", "http://[::1]:11434"),
        ("[fd00::7]:1234", "http://[fd00::7]:1234"),
        ("gpu-box.local:11434/", "http://gpu-box.local:11434"),
        ("http://gpu-box", "http://gpu-box:80"),
        ("HTTPS://ollama.example/base/", "https://ollama.example:443/base"),
        (" user:pass@gpu-box ", "http://gpu-box:11434"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert parse_address(text).url == url


@pytest.mark.parametrize(
    "text",
    [
        "ftp://gpu-box", "file:///etc/passwd", "unix:///run/ollama.sock", "http://gpu-box:99999", "http://gpu-box:x",
        "http://gpu-box/?q=1", "http://gpu-box/#f", "http://gpu box", "http://gpu-box/../x", "http://gpu-box/a b",
        "http://gpu-box\r\nX-Evil: 1", "http://169.254.169.254", "http://[fe80::1]", "http://[::ffff:169.254.169.254]",
        "http://[fd00:ec2::254]", "http://100.100.100.200", "http://[::1", "http://-x", "http://" + "a" * 600,
        "http://224.0.0.1", "http://[2002:a9fe:a9fe::1]",
    ],
)  # fmt: skip
def test_invalid_and_forbidden_addresses(text: str) -> None:
    with pytest.raises(ConfigError, match="address of the Ollama server"):
        parse_address(text)
    with pytest.raises(ValidationError, match=r"host|address"):
        OllamaConfig(host=text)


@pytest.mark.parametrize(
    "text", ["http://ada:canary@gpu-box/?q=1", "http://ada:canary@gpu-box:x", "ftp://ada:canary@x"]
)
def test_a_refusal_does_not_repeat_the_password(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        OllamaConfig(host=text)
    assert "canary" not in str(refusal.value)


def test_credentials_move_out_of_the_address() -> None:
    config = OllamaConfig(host="http://ada:can%3Aary@gpu-box")
    assert config.host == "http://gpu-box:80"
    assert config.address.credentials == ("ada", "can:ary")
    assert "ary" not in repr(config) + str(config.model_dump()) + config.model_dump_json() + repr(config.address)
    own = OllamaConfig(host="gpu-box", credentials="ada:secret")
    assert own.address.credentials == ("ada", "secret")


def test_address_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "ada:canary@gpu-box:1234")
    assert OllamaConfig().address.url == "http://gpu-box:1234"
    assert OllamaConfig(host="other").address.url == "http://other:11434"
    monkeypatch.setenv("OLLAMA_HOST", "http://169.254.169.254")
    with pytest.raises(ConfigError, match="link-local"):
        _ = OllamaConfig().address
    monkeypatch.delenv("OLLAMA_HOST")
    assert OllamaConfig().address.url == "http://127.0.0.1:11434"


@pytest.mark.parametrize(
    ("model", "name"),
    [("gemma3", "gemma3:latest"), ("gemma3:4b", "gemma3:4b"), ("hf.co:443/a/b", "hf.co:443/a/b:latest")],
)
def test_full_names(model: str, name: str) -> None:
    assert full_name(model) == name


@pytest.mark.parametrize(
    ("name", "family", "talks"),
    [
        ("gemma3:4b", "gemma3", True),
        ("nomic-embed-text:latest", "nomic-bert", False),
        ("all-minilm:latest", "bert", False),
        ("qwen3-embedding:4b", "qwen3", False),
    ],
)
def test_chat_models(name: str, family: str, talks: bool) -> None:
    assert ServerModel(name=name, family=family).is_chat_model is talks


@pytest.mark.parametrize(
    ("answer", "expected", "thought"),
    [
        ("Hello.", "Hello.", False),
        ("<think>Hmm</think>Hello.", "Hello.", True),
        ("\n<think>\nHmm <b> </th\n</think>\n\nHello <think>.", "Hello <think>.", True),
        ("<think></think>", "", True),
        ("<think>for ever", "", True),
        ("<thin", "<thin", False),
        ("<thinking is hard>", "<thinking is hard>", False),
        (" < 5", " < 5", False),
        (" ", " ", False),
        ("", "", False),
    ],
)
def test_thinking_is_removed_however_it_is_split(answer: str, expected: str, thought: bool) -> None:
    for size in (1, 2, 3, 5, 8, 100):
        thinking = ThinkingFilter()
        pieces = [thinking.feed(answer[start : start + size]) for start in range(0, len(answer), size)]
        assert ("".join(pieces) + thinking.end(), thinking.thought) == (expected, thought)


def test_an_answer_is_not_delayed() -> None:
    thinking = ThinkingFilter()
    assert [thinking.feed(piece) for piece in ("Hel", "lo", "<think>")] == ["Hel", "lo", "<think>"]


def test_a_flood_of_blanks_is_not_held_back() -> None:
    thinking = ThinkingFilter()
    assert len("".join(thinking.feed(" ") for _ in range(1_000))) == 1_000


class Source:
    """A body in chunks; records whether it was closed."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.closed = False

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.chunks)

    def close(self) -> None:
        self.closed = True


def test_lines_come_whole_without_the_empty_ones() -> None:
    lines = BoundedNdjsonStream(Source(b'{"a"', b": 1}\n", b'\n\r\n{"b": 2}\n{"c', b'": 3}'), Limits(100, 1000), 5)
    assert list(lines) == [b'{"a": 1}\n', b'{"b": 2}\n', b'{"c": 3}']


def test_lines_and_answers_have_their_limits() -> None:
    assert list(BoundedNdjsonStream(Source(b"x" * 100), Limits(100, 1000), 5)) == [b"x" * 100]
    for chunks in ((b"x" * 101,), (b"x" * 101 + b"\n",), (b"x" * 60, b"x" * 60)):
        with pytest.raises(ProviderError, match="a line of more than 100 bytes"):
            list(BoundedNdjsonStream(Source(*chunks), Limits(100, 1000), 5))
    with pytest.raises(ProviderError, match="an answer of more than 1000 bytes"):
        list(BoundedNdjsonStream(Source(*[b"x\n" * 40] * 20), Limits(100, 1000), 5))


def test_sanitizing() -> None:
    assert one_line("a\x1b[2J\r\nb\u202ec\x00") == "a [2J b c"
    assert len(one_line("x" * 10_000)) == 300
    assert pull_command("x; rm -rf ~") == "rider ollama pull 'x; rm -rf ~'"
    assert pull_command("gemma3:4b") == "rider ollama pull gemma3:4b"


def test_importing_the_plugin_loads_no_client() -> None:
    program = (
        "import sys, rider_text_ollama\n"
        "heavy = {'ollama', 'httpx', 'httpcore', 'anyio', 'rich', 'click', 'ssl'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
