"""Builds a job's payload from the command line: INPUT and the values of --set."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from rider_core.api.messages import encode_base64
from rider_core.api.wav import HEAD_BYTES, is_wav
from rider_core.cli.pictures import as_jpeg
from rider_core.runtime import ffmpeg

#: Maximum size of a file: films and camera pictures are converted. Each task has a lower limit of its own.
MAX_INPUT_BYTES = 512 * 1024 * 1024
#: The field of each task's request that INPUT fills, and whether INPUT is the name of a file.
_INPUTS = {
    "voice.transcribe": ("audio", True),
    "voice.synthesize": ("text", False),
    "vision.detect": ("image", True),
    "text.generate": ("prompt", False),
}


def payload_of(task: str, source: str, extra: Sequence[str] = ()) -> dict[str, Any]:
    """The payload of a job.

    Args:
        source: A file's name or a text, depending on the task; "-": from standard input.
        extra: Further fields, each as FIELD=VALUE, where VALUE is JSON or a text.

    Raises:
        click.BadParameter: the file cannot be read, or one of `extra` is not FIELD=VALUE.
    """
    return {**_filled(task, source), **dict(field_value(item, "--set") for item in extra)}


def _filled(task: str, source: str) -> dict[str, Any]:
    field, is_file = _INPUTS[task]
    if not is_file:
        return {field: _standard_input().read(MAX_INPUT_BYTES) if source == "-" else source}
    data = _read(source)
    if task == "vision.detect":
        data = as_jpeg(data)
    if task == "voice.transcribe" and not is_wav(data[:HEAD_BYTES]) and ffmpeg.can_read(data[:64]):
        data = ffmpeg.to_wav(data)
    wav = {"format": "wav"} if task == "voice.transcribe" else {}
    return {field: encode_base64(data), **wav}


def _read(name: str) -> bytes:
    try:
        # With a limit: a device such as /dev/zero has no end.
        with _standard_input().buffer if name == "-" else Path(name).open("rb") as file:
            data = file.read(MAX_INPUT_BYTES + 1)
    except OSError as error:
        raise click.BadParameter(f"{name}: {error.strerror}", param_hint="INPUT") from None
    if len(data) > MAX_INPUT_BYTES:
        raise click.BadParameter(f"{name} has more than {MAX_INPUT_BYTES >> 20} MB", param_hint="INPUT")
    return data


def _standard_input() -> TextIO:
    if sys.stdin is None:  # closed by the parent process
        raise click.BadParameter("-: there is no standard input", param_hint="INPUT")
    return sys.stdin


def field_value(item: str, option: str) -> tuple[str, Any]:
    """Name and value of FIELD=VALUE, where VALUE is JSON or a text. Raises `click.BadParameter`."""
    name, equals, value = item.partition("=")
    if not equals:
        raise click.BadParameter(f"{item!r} is not FIELD=VALUE", param_hint=option)
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value
