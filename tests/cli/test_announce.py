"""`rider announce`: the address once all processes are up, or the names of those that are not."""

from __future__ import annotations

from importlib import import_module

import pytest
from click.testing import CliRunner

announce = import_module("rider_core.cli.announce")


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a panel that does not run."""
    for name in ("RIDER_WEB_HOST", "RIDER_PI_HOST", "RIDER_ROBOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RIDER_WEB_PORT", "1")
    monkeypatch.setattr(announce, "WAIT_S", 0.0)
    return "http://127.0.0.1:1"


def announced(monkeypatch: pytest.MonkeyPatch, missing: dict[str, str], answers: bool) -> tuple[int, str]:
    monkeypatch.setattr(announce, "not_running", lambda _: missing)
    if answers:
        monkeypatch.setattr(announce, "_answers", lambda *_: True)
    result = CliRunner().invoke(announce.announce)
    return result.exit_code, result.output


def test_each_process_that_is_not_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"worker_1": "BACKOFF: Exited too quickly", "link": "STARTING"}
    assert announced(monkeypatch, missing, answers=True) == (
        1,
        "worker_1 is not up (BACKOFF: Exited too quickly): its lines above say why\n"
        "link is not up (STARTING): its lines above say why\n",
    )


def test_a_panel_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    status, output = announced(monkeypatch, {}, answers=False)
    assert (status, output.startswith(f"The panel at {address} does not answer")) == (1, True)


def test_the_address_is_printed_once_all_are_up(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    status, output = announced(monkeypatch, {}, answers=True)
    assert (status, f"Rider-PC is up: {address}" in output, "a SIMULATED robot" in output) == (0, True, True)
