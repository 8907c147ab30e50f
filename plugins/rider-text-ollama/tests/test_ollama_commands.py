"""`rider ollama` against the fake server."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from fake_ollama import EMBEDDER, TALKER, FakeOllama
from rich.console import Console
from rider_text_ollama import OllamaTextGenerator, register_commands
from rider_text_ollama.client import PullProgress
from rider_text_ollama.commands import MAX_BARS, show_progress
from rider_text_ollama.config import OllamaConfig

from rider_core.api import HealthStatus, ProviderContext
from rider_core.errors import InvalidInput, ModelError, ProviderError
from rider_core.testing import wait_until

#: Background processes of a shell ignore SIGINT, and their children inherit that.
_RIDER = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from rider_core.cli.main import main; main()"
)


def call(url: str, *arguments: str) -> Result:
    cli = click.Group("rider")
    register_commands(cli, lambda name: OllamaConfig(host=url))
    return CliRunner().invoke(cli, ["ollama", *arguments])


def test_list(fake_ollama: FakeOllama) -> None:
    shown = call(fake_ollama.url, "list").output
    assert TALKER in shown
    assert EMBEDDER in shown
    assert "50 % on the graphics card" in shown
    fake_ollama.models.clear()
    assert "rider ollama pull gemma3:4b" in call(fake_ollama.url, "list").output


def test_pull(fake_ollama: FakeOllama) -> None:
    result = call(fake_ollama.url, "pull", "stand-in-new:1b")
    assert result.exit_code == 0, result.output
    for expected in ("pulling manifest", "pulling 57a4d1aa57a4", "writing manifest", "stand-in-new:1b is there"):
        assert expected in result.output
    provider = OllamaTextGenerator(OllamaConfig(host=fake_ollama.url), ProviderContext())
    assert provider.models()[0] == "stand-in-new:1b"
    assert provider.health().status is HealthStatus.OK


def test_pull_of_an_unknown_model(fake_ollama: FakeOllama) -> None:
    error = call(fake_ollama.url, "pull", "nonesuch").exception
    assert isinstance(error, ModelError)
    assert "no model 'nonesuch' to pull" in error.message


@pytest.mark.parametrize("fault", ["half_way", "no_end", "malformed", "huge_line"])
def test_pull_that_breaks_off(fake_ollama: FakeOllama, fault: str) -> None:
    fake_ollama.fault, fake_ollama.fault_path = fault, "/api/pull"
    error = call(fake_ollama.url, "pull", "stand-in-new:1b").exception
    assert isinstance(error, ProviderError)
    fake_ollama.mend()
    assert call(fake_ollama.url, "pull", "stand-in-new:1b").exit_code == 0


def test_show(fake_ollama: FakeOllama) -> None:
    shown = call(fake_ollama.url, "show", "stand-in").output
    assert "4096 tokens" in shown
    assert "completion" in shown
    assert isinstance(call(fake_ollama.url, "show", "nonesuch").exception, ModelError)


def test_remove(fake_ollama: FakeOllama) -> None:
    assert call(fake_ollama.url, "remove", "stand-in").output == "stand-in is removed\n"
    assert TALKER not in fake_ollama.models
    assert isinstance(call(fake_ollama.url, "remove", "stand-in").exception, ModelError)


def test_another_server(fake_ollama: FakeOllama) -> None:
    assert TALKER in call("http://127.0.0.1:9", "--host", fake_ollama.url, "list").output


def test_refusal(fake_ollama: FakeOllama) -> None:
    fake_ollama.fault, fake_ollama.fault_path = "400", "/api/pull"
    assert isinstance(call(fake_ollama.url, "pull", "x").exception, InvalidInput)


def test_progress_on_a_terminal_is_a_bar_for_each_file_without_the_servers_markup() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100, height=500, color_system=None)
    steps = [
        PullProgress("pulling manifest"),
        PullProgress("pulling aa", "sha256:aaaaaaaaaaaaaaaaaaaa", 0, 2_000_000),
        PullProgress("pulling aa", "sha256:aaaaaaaaaaaaaaaaaaaa", 2_000_000, 2_000_000),
        PullProgress("[red]evil[/red]\x1b[2J", "", 0, 0),
        *(PullProgress("flood", f"sha256:layer{number:03}", 1, 2) for number in range(200)),
    ]
    show_progress("stand-in", iter(steps), console)
    text = shown.getvalue()
    assert "2.0/2.0 MB" in text
    assert "stand-in: [red]evil[/red] [2J" in text
    assert "\x1b[2J" not in text
    assert "stand-in: aaaaaaaaaaaa" in text
    assert len(set(re.findall(r"layer\d{3}", text))) == MAX_BARS - 1


def test_ctrl_c_ends_the_pull_and_the_servers_work(fake_ollama: FakeOllama, tmp_path: Path) -> None:
    fake_ollama.fault, fake_ollama.fault_path = "endless_pull", "/api/pull"
    shown = tmp_path / "shown"
    with shown.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", _RIDER, "ollama", "pull", "stand-in-new:1b"],
            env={**os.environ, "OLLAMA_HOST": fake_ollama.url, "RIDER_DATA_DIR": str(tmp_path)},
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        # Not before its first line: Python loses a KeyboardInterrupt during an import.
        wait_until(lambda: "stand-in-new:1b: " in shown.read_text(), timeout_s=30, what="the pull's beginning")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    finally:
        process.kill()
    output = shown.read_text()
    assert process.returncode == 130, output
    assert "stopped; `rider ollama pull stand-in-new:1b` resumes it" in output
    wait_until(lambda: fake_ollama.aborted == 1, what="the closed connection at the server")
