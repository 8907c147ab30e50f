"""What `rider up` says at its end: that all is up, or what is not."""

from __future__ import annotations

from importlib import import_module

import pytest
from click.testing import CliRunner

announce = import_module("rider_core.cli.announce")


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> str:
    """Of a panel that is not needed."""
    for name in ("RIDER_WEB_HOST", "RIDER_PI_HOST", "RIDER_ROBOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RIDER_WEB_PORT", "1")
    monkeypatch.setattr(announce, "WAIT_S", 0.0)
    return "http://127.0.0.1:1"


def said(monkeypatch: pytest.MonkeyPatch, missing: dict[str, str], answers: bool) -> tuple[int, str]:
    monkeypatch.setattr(announce, "not_running", lambda _: missing)
    if answers:
        monkeypatch.setattr(announce, "_answers", lambda *_: True)
    result = CliRunner().invoke(announce.announce)
    return result.exit_code, result.output


def test_each_that_is_not_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"worker_1": "BACKOFF: Exited too quickly", "link": "STARTING"}
    assert said(monkeypatch, missing, answers=True) == (
        1,
        "worker_1 is not up (BACKOFF: Exited too quickly): its lines above say why\n"
        "link is not up (STARTING): its lines above say why\n",
    )


def test_a_panel_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    status, output = said(monkeypatch, {}, answers=False)
    assert (status, output.startswith(f"The panel at {address} does not answer")) == (1, True)


def test_up_is_said_where_each_is_up(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    status, output = said(monkeypatch, {}, answers=True)
    assert (status, f"Rider-PC is up: {address}" in output, "a SIMULATED robot" in output) == (0, True, True)
