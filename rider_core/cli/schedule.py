"""`rider schedule`: recurring jobs, by cron expression or at intervals."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import click
from rich.markup import escape
from rich.table import Table

from rider_core.api.jobs import Priority
from rider_core.api.messages import parse_message, shorten
from rider_core.api.schedules import Missed, Schedule, ScheduleRecord, ScheduleState, machine_timezone
from rider_core.api.tasks import TASKS
from rider_core.cli.completion import complete_providers
from rider_core.cli.job_input import payload_of
from rider_core.cli.tables import print_table
from rider_core.config import load_settings
from rider_core.errors import InvalidInput
from rider_core.jobs.schedules import ScheduleStore, due_times
from rider_core.runtime.redis_connection import connect
from rider_core.runtime.services import Services

_STYLES = {ScheduleState.ACTIVE: None, ScheduleState.PAUSED: "dim", ScheduleState.BROKEN: "red"}
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TIME = "%a %Y-%m-%d %H:%M:%S %Z"


class Duration(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic from click 8.3 on
    """Seconds, or a sum such as 1h30m."""

    name = "duration"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip().lower()
        # Nine digits are 31 years.
        if re.fullmatch(r"\d{1,9}", text):
            return int(text)
        if not re.fullmatch(r"(\d{1,9}[smhd])+", text):
            self.fail(f"{shorten(value, 40)} is not a duration; write seconds, or 90s, 5m, 2h, 1d, 1h30m", param, ctx)
        return sum(int(number) * _UNITS_S[unit] for number, unit in re.findall(r"(\d+)([smhd])", text))


DURATION = Duration()


@click.group()
def schedule() -> None:
    """Schedules: recurring jobs."""


@schedule.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, one a line.")
def show(as_json: bool) -> None:
    """Every schedule with its next due time and its counters."""
    with _schedule_store() as schedule_store:
        records, schedulers = schedule_store.records(), schedule_store.schedulers()
    if as_json:
        for record in records:
            click.echo(record.model_dump_json())
        return
    if not records:
        click.echo("no schedules; add one with: rider schedule add ID TASK INPUT --cron '30 6 * * *'")
        return
    table = Table("schedule", "task", "times", "state", "next", "last", "fired", "late", "missed")
    for record in records:
        table.add_row(*_cells(record), style=_STYLES[record.state])
    print_table(table)
    for record in records:
        if record.problem:
            click.echo(
                f"{record.id} is disabled: {record.problem}; after correcting it: rider schedule resume {record.id}"
            )
    if not schedulers:
        click.secho("no scheduler is running; start one with: rider scheduler", fg="red", err=True)


@schedule.command()
@click.argument("schedule_id", metavar="ID")
@click.argument("task", type=click.Choice(list(TASKS)))
@click.argument("source", metavar="INPUT")
@click.option("--cron", help='Minute hour day month weekday, such as "30 6 * * mon-fri".')
@click.option("--every", "every_s", type=DURATION, help="From one due time to the next: 90, 5m, 1h30m, 1d.")
@click.option("--tz", "timezone", help="The time zone of --cron, such as Europe/Warsaw; by default this machine's.")
@click.option("--set", "extra", multiple=True, metavar="FIELD=VALUE", help="Another field of the request.")
@click.option(
    "--provider", help="A provider by name instead of the one in the settings.", shell_complete=complete_providers
)
@click.option("--priority", type=click.Choice([it.value for it in Priority]), default="normal", show_default=True)
@click.option("--deadline", "deadline_s", type=float, help="Seconds after its due time within which a job must start.")
@click.option(
    "--missed",
    type=click.Choice([it.value for it in Missed]),
    default="once",
    show_default=True,
    help="After more than a minute without a scheduler: one job for the latest missed time, or none.",
)
@click.option("--description", default="", help="Free text.")
@click.option("--replace", is_flag=True, help="Replace a schedule with this ID.")
def add(schedule_id: str, task: str, source: str, extra: tuple[str, ...], replace: bool, **fields: object) -> None:
    """Run TASK with INPUT repeatedly: a WAV file, a JPEG file, or a text ("-": from standard input).

    A file is read now, and its content is kept in the schedule.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    values = {"id": schedule_id, "task": task, "payload": payload_of(task, source, extra), **given}
    with _schedule_store() as schedule_store:
        record = schedule_store.add(parse_message(Schedule, values), replace)
    click.echo(f"{record.id} is due next {_when(record, record.next_ts)}")


@schedule.command("run")
@click.argument("schedule_id", metavar="ID")
def run_now(schedule_id: str) -> None:
    """Submit the job of a schedule now. Its due times and its state do not change."""
    services = Services.open(load_settings(), role="cli")
    try:
        record = ScheduleStore(services.redis).get(schedule_id)
        if record.schedule is None:
            raise InvalidInput(f"schedule {schedule_id!r} cannot be read: {record.problem}")
        spec = record.schedule.job(int(time.time())).model_copy(update={"origin": "cli"})
        job_id = services.backend.submit(spec)
    finally:
        services.close()
    click.echo(f"job {job_id} is submitted")


@schedule.command()
@click.argument("schedule_id", metavar="ID")
def remove(schedule_id: str) -> None:
    """Delete a schedule. The jobs that it has submitted stay."""
    with _schedule_store() as schedule_store:
        schedule_store.remove(schedule_id)
    click.echo(f"{schedule_id} is removed")


@schedule.command()
@click.argument("schedule_id", metavar="ID")
def pause(schedule_id: str) -> None:
    """Pause a schedule. Due times during the pause are skipped."""
    with _schedule_store() as schedule_store:
        schedule_store.pause(schedule_id)
    click.echo(f"{schedule_id} is paused; continue with: rider schedule resume {schedule_id}")


@schedule.command()
@click.argument("schedule_id", metavar="ID")
def resume(schedule_id: str) -> None:
    """Continue a schedule that was paused, or disabled because of an error."""
    with _schedule_store() as schedule_store:
        record = schedule_store.resume(schedule_id)
    click.echo(f"{record.id} is due next {_when(record, record.next_ts)}")


@schedule.command("next")
@click.argument("cron", metavar="EXPRESSION")
@click.option("--tz", "timezone", help="The time zone, such as Europe/Warsaw; by default this machine's.")
@click.option("--count", default=5, show_default=True, type=click.IntRange(1, 100), help="Number of times.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON: seconds since the epoch, and as text.")
def preview(cron: str, timezone: str | None, count: int, as_json: bool) -> None:
    """The next due times of a cron EXPRESSION."""
    timezone = timezone or machine_timezone()
    # The expression is checked as part of a schedule.
    values = {"id": "preview", "cron": cron, "timezone": timezone, "task": "", "payload": {}}
    times = due_times(parse_message(Schedule, values))
    due = [times.after(time.time())]
    while len(due) < count:
        due.append(times.after(due[-1]))
    local_times = [datetime.fromtimestamp(ts, ZoneInfo(timezone)) for ts in due]
    if as_json:
        click.echo(json.dumps([{"ts": ts, "time": it.isoformat()} for ts, it in zip(due, local_times, strict=True)]))
        return
    for it in local_times:
        click.echo(it.strftime(_TIME))


@contextmanager
def _schedule_store() -> Iterator[ScheduleStore]:
    connection = connect(load_settings().redis_location)
    try:
        yield ScheduleStore(connection)
    finally:
        connection.close()


def _cells(record: ScheduleRecord) -> list[str]:
    schedule = record.schedule
    return [
        record.id,
        schedule.task if schedule else "?",
        escape(_times(schedule)) if schedule else "?",
        record.state.value,
        _when(record, record.next_ts),
        _when(record, record.last_due_ts),
        *map(str, (record.fired, record.late, record.missed)),
    ]


def _times(schedule: Schedule) -> str:
    return f"every {schedule.every_s} s" if schedule.every_s else f"{schedule.cron} ({schedule.timezone})"


def _when(record: ScheduleRecord, ts: float | None) -> str:
    """In the schedule's own time zone; empty for None."""
    if ts is None:
        return ""
    zone = ZoneInfo(record.schedule.timezone) if record.schedule and record.schedule.cron else None
    return datetime.fromtimestamp(ts, zone).astimezone(zone).strftime(_TIME)
