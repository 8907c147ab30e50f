"""`rider run TASK`: runs one job through the queue and a worker."""

from __future__ import annotations

import json
import math
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from rider_core.api.audio import AudioClip
from rider_core.api.jobs import JobRecord, JobSpec, Priority
from rider_core.api.messages import decode_base64, parse_message
from rider_core.api.object_detection import MAX_IMAGE_BYTES, Detections
from rider_core.api.tasks import TASKS
from rider_core.api.wav import wav_bytes
from rider_core.cli.box_picture import box_picture
from rider_core.cli.completion import complete_providers
from rider_core.cli.job_input import payload_of
from rider_core.cli.tables import print_table
from rider_core.config import load_settings
from rider_core.errors import RiderError, WaitTimeout
from rider_core.printable import printable, printable_json, printable_lines
from rider_core.runtime.job_stream import follow_job
from rider_core.runtime.plugin_changes import changes_since_start
from rider_core.runtime.services import Services

#: Limit of one piece of audio: some hundred milliseconds, or the whole text from providers that do not stream.
MAX_CHUNK_BYTES = 64 * 1024 * 1024


class Seconds(click.FloatRange):
    """A number of seconds. `FloatRange` alone accepts NaN, because every comparison with it is false."""

    def __init__(self) -> None:
        super().__init__(min=0.1, max=86_400)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return seconds


@click.command()
@click.argument("task", type=click.Choice(list(TASKS)))
@click.argument("source", metavar="INPUT")
@click.option("--set", "extra", multiple=True, metavar="FIELD=VALUE", help="Another field of the request.")
@click.option(
    "--provider", help="A provider by name instead of the one in the settings.", shell_complete=complete_providers
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the audio (WAV), or for the picture with its boxes (SVG).",
)
@click.option(
    "--timeout", "timeout_s", default=120.0, show_default=True, type=Seconds(), help="Seconds to wait for the result."
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole result.")
def run(
    task: str,
    source: str,
    extra: tuple[str, ...],
    provider: str | None,
    output: Path | None,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Run TASK with INPUT: a WAV file, a picture (JPEG, PNG, WebP), or a text ("-": from standard input).

    A worker must be running: `rider up` in another window.
    """
    if output is not None:
        _check_place(output)
    settings = load_settings()
    services = Services.open(settings, role="cli")
    changed = changes_since_start(settings)
    if changed:
        click.secho(changed, fg="yellow", err=True)
    deadline_ts = time.time() + timeout_s
    spec = JobSpec(
        task=task,
        payload=payload_of(task, source, extra),
        provider=provider,
        priority=Priority.HIGH,
        deadline_ts=deadline_ts,
        stream=True,
        origin="cli",
    )
    try:
        record, sound = _run_job(services, spec, timeout_s, quiet=as_json)
    finally:
        services.close()
    result = record.value()
    if record.mock:
        click.secho(f"MOCK: {record.provider} made this up", fg="yellow", err=True)
    if output is not None:
        _write(output, spec, result, sound)
    elif task == "voice.synthesize":
        seconds = result.get("duration_s", 0)
        click.secho(f"{seconds:.1f} s of audio were discarded; --output FILE.wav keeps them", err=True)
    if as_json or task == "voice.synthesize":
        click.echo(printable_json(json.dumps(result, ensure_ascii=False, indent=2)))
    elif task == "vision.detect":
        _print_objects(parse_message(Detections, result))
    elif task == "voice.transcribe":
        click.echo(printable_lines(result["text"]) or "(no speech)")
        if result.get("hint"):
            click.secho(printable_lines(result["hint"]), fg="yellow", err=True)


def _check_place(output: Path) -> None:
    """Check that the output can be written, before the job runs. Raises `click.BadParameter`."""
    folder = output.parent
    if not folder.is_dir():
        raise click.BadParameter(f"there is no folder {str(folder)!r}; make it first", param_hint="--output")
    if not os.access(output if output.exists() else folder, os.W_OK):
        raise click.BadParameter(f"{str(output)!r} cannot be written", param_hint="--output")


def _run_job(services: Services, spec: JobSpec, timeout_s: float, quiet: bool) -> tuple[JobRecord, list[bytes]]:
    """Run the job. Returns its record and its pieces of audio. Ctrl-C and errors cancel the job."""
    try:
        services.backend.submit(spec)
        return _follow(services, spec.id, timeout_s, quiet)
    except BaseException:  # Ctrl-C among them
        with suppress(RiderError):
            services.backend.cancel(spec.id)
        raise


def _write(output: Path, spec: JobSpec, result: Any, sound: list[bytes]) -> None:
    """Write the pieces of audio as one file, or the picture with its boxes."""
    if spec.task == "vision.detect":
        image = decode_base64(spec.payload["image"], max_bytes=MAX_IMAGE_BYTES, name="image")
        output.write_text(box_picture(image, parse_message(Detections, result)))
    elif sound:
        clips = [AudioClip.from_wav(wav) for wav in sound]
        output.write_bytes(wav_bytes(b"".join(clip.pcm for clip in clips), clips[0].sample_rate))


def _print_objects(found: Detections) -> None:
    table = Table("object", "score", "left", "top", "right", "bottom", caption=f"{found.width} x {found.height} pixels")
    for it in found.objects:
        table.add_row(Text(printable(it.label)), f"{it.score:.0%}", *(f"{edge:.0f}" for edge in it.box))
    if found.objects:
        print_table(table)
    else:
        click.echo("(no objects)")


def _follow(services: Services, job_id: str, timeout_s: float, quiet: bool) -> tuple[JobRecord, list[bytes]]:
    """Print pieces of text as they come. Returns the job's record, and the pieces of audio of its last attempt.

    Raises:
        WaitTimeout: the job has not ended within `timeout_s` seconds, even if events have come all the time.
    """
    end = time.monotonic() + timeout_s

    def check() -> None:
        if time.monotonic() > end:
            raise WaitTimeout(
                f"the job has not ended within {timeout_s:g} s, and was cancelled",
                remedy="is `rider up` running? A longer time is given by --timeout",
            )

    sound: list[bytes] = []
    shown = False
    for item in follow_job(services.bus, services.backend, job_id, timeout_s + 1, on_idle=check):
        check()
        if isinstance(item, JobRecord):
            if shown:
                click.echo()
            return item, sound
        if item["seq"] == 0:  # another attempt begins: its pieces replace those of the failed one
            sound.clear()
            if shown:
                click.echo()
        if "audio" in item:
            sound.append(decode_base64(item["audio"], max_bytes=MAX_CHUNK_BYTES, name="audio"))
        elif not quiet:
            click.echo(printable_lines(item.get("text", "")), nl=False)
            shown = True
    raise AssertionError("follow_job ends with a record")
