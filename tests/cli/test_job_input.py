"""The payload of `rider run`: odd values, endless files, and a missing standard input."""

from __future__ import annotations

import sys

import click
import pytest

from rider_core.api.messages import parse_message
from rider_core.api.text_generation import GenerateRequest
from rider_core.cli import job_input
from rider_core.cli.job_input import payload_of
from rider_core.cli.schedule import DURATION
from rider_core.errors import InvalidInput


@pytest.mark.parametrize("value", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000])
def test_a_value_that_is_not_json_is_a_text_and_refused(value: str) -> None:
    payload = payload_of("text.generate", "hi", [f"max_tokens={value}"])
    assert payload["max_tokens"] == value
    with pytest.raises(InvalidInput, match="max_tokens") as refusal:
        parse_message(GenerateRequest, payload)
    assert len(refusal.value.message) < 300


@pytest.mark.parametrize("task", ["voice.transcribe", "vision.detect"])
def test_a_device_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    monkeypatch.setattr(job_input, "MAX_INPUT_BYTES", 1 << 20)
    with pytest.raises(click.BadParameter, match="/dev/zero has more than 1 MB"):
        payload_of(task, "/dev/zero")


@pytest.mark.parametrize("task", ["text.generate", "voice.transcribe"])
def test_a_service_has_no_standard_input(monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(click.BadParameter, match="there is no standard input"):
        payload_of(task, "-")


@pytest.mark.parametrize("text", ["9" * 5_000, "9" * 5_000 + "d", "5m-3s", "-5", "1e3", "\u0665 m"])
def test_a_malformed_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a duration") as refusal:
        DURATION.convert(text, None, None)
    assert len(refusal.value.message) < 150
