"""`rider queue`: waiting and running jobs, the history of jobs, and the dead letters: jobs that failed for good."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime

import click
from rich.markup import escape
from rich.table import Table

from rider_core import database
from rider_core.api.job_backend import COUNTERS, Histogram, JobBackend, TaskFigures
from rider_core.api.jobs import DeadLetter, JobRecord
from rider_core.api.messages import shorten
from rider_core.api.tasks import QUEUES
from rider_core.cli.tables import print_table
from rider_core.config import load_settings
from rider_core.printable import printable, printable_json, printable_lines
from rider_core.runtime.job_backend import open_backend
from rider_core.runtime.redis_connection import connect
from rider_core.timing import Stopwatch

_QUEUE = click.Choice(QUEUES)
#: Counters that the table shows; the others do not change in normal operation.
_RATES = ("accepted", "started", "done", "failed", "expired", "replaced", "retried")


@click.group()
def queue() -> None:
    """Queues and dead letters."""


@queue.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def stats(as_json: bool) -> None:
    """Waiting and running jobs of each queue now."""
    with _backend() as backend:
        rows = backend.stats()
    if as_json:
        click.echo(json.dumps([row.model_dump() for row in rows]))
        return
    table = Table("queue", "waiting", "oldest", "scheduled", "running", "dead letters", "workers", "")
    for row in rows:
        oldest = "" if row.oldest_s is None else f"{row.oldest_s:.1f} s"
        cells = [
            row.waiting,
            oldest,
            row.scheduled,
            row.running,
            row.failed,
            row.workers,
            "paused" if row.paused else "",
        ]
        table.add_row(row.queue, *map(str, cells), style="red" if row.waiting and not row.workers else None)
    print_table(table)
    for row in rows:
        if row.waiting and not row.workers:
            click.echo(f"no worker serves {row.queue}; start one with: rider worker {row.queue}")


@queue.command()
@click.argument("queues", type=_QUEUE, nargs=-1, required=True)
def pause(queues: tuple[str, ...]) -> None:
    """Let workers take no more jobs of these queues. Jobs are accepted as before, and wait."""
    with _backend() as backend:
        for name in queues:
            click.echo(f"{name} is paused" if backend.pause(name) else f"{name} was paused already")
    click.echo(f"continue with: rider queue resume {' '.join(queues)}")


@queue.command()
@click.argument("queues", type=_QUEUE, nargs=-1, required=True)
def resume(queues: tuple[str, ...]) -> None:
    """Let workers take the jobs of these queues again."""
    with _backend() as backend:
        for name in queues:
            click.echo(f"{name} continues" if backend.resume(name) else f"{name} was not paused")


@queue.command()
@click.option("--seconds", default=2.0, show_default=True, type=click.FloatRange(0.1, 3_600), help="Time to watch.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def rates(seconds: float, as_json: bool) -> None:
    """Rates of each task's jobs in a second, and their durations."""
    with _backend() as backend:
        watch = Stopwatch.start()
        before = {row.task: row for row in backend.figures()}
        time.sleep(seconds)
        rows = [row.since(before[row.task]) for row in backend.figures()]
        watched_s = watch.elapsed_s
    if as_json:
        click.echo(json.dumps([_rates_of(row, watched_s) for row in rows]))
        return
    table = Table("task", *(f"{name}/s" for name in _RATES), "waited p50/p99", "ran p50/p99", "took p50/p99")
    for row in rows:
        numbers = [f"{getattr(row, name) / watched_s:,.1f}" if getattr(row, name) else "" for name in _RATES]
        table.add_row(row.task, *numbers, *map(_quantiles, (row.waited, row.ran, row.took)))
    print_table(table)
    if not any(getattr(row, name) for row in rows for name in _RATES):
        click.echo(f"nothing happened within {watched_s:.1f} s")


@queue.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Maximum number of jobs.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, one a line.")
def history(limit: int, as_json: bool) -> None:
    """Jobs that have ended, the latest first. The panel's process writes them down while it runs."""
    with closing(database.Database(load_settings().database_location)) as opened:
        records = opened.recent_jobs(limit)
    if as_json:
        for record in records:
            click.echo(printable_json(record.model_dump_json(exclude={"result"})))
    elif records:
        table = Table("job", "task", "origin", "ended", "state", "ran", "attempts", "provider", "error")
        for record in records:
            table.add_row(*(escape(printable(cell)) for cell in _history_cells(record)))
        print_table(table)
    else:
        click.echo("no job has ended yet")


@queue.command()
@click.argument("job_id", required=False)
@click.option("--queue", "queues", type=_QUEUE, multiple=True, help="Only those of this queue.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Maximum for each queue.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, one a line.")
def dead(job_id: str | None, queues: tuple[str, ...], limit: int, as_json: bool) -> None:
    """The dead letters, the latest first. With JOB_ID: this one with its payload and traceback."""
    with _backend() as backend:
        if job_id is not None:
            letters = [backend.dead_letter(job_id)]
        else:
            letters = [letter for name in queues or QUEUES for letter in backend.dead_letters(name, limit)]
    if as_json:
        for letter in letters:
            click.echo(printable_json(letter.model_dump_json()))
    elif job_id is not None:
        _print_letter(letters[0])
    else:
        _print_letters(letters)


@queue.command()
@click.argument("job_ids", nargs=-1)
@click.option("--all", "queues", type=_QUEUE, multiple=True, metavar="QUEUE", help="Every dead letter of a queue.")
def requeue(job_ids: tuple[str, ...], queues: tuple[str, ...]) -> None:
    """Run dead letters again, with all their attempts."""
    with _backend() as backend:
        _apply("requeued", job_ids, queues, backend.requeue, backend.requeue_all)


@queue.command()
@click.argument("job_ids", nargs=-1)
@click.option("--all", "queues", type=_QUEUE, multiple=True, metavar="QUEUE", help="Every dead letter of a queue.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(job_ids: tuple[str, ...], queues: tuple[str, ...], yes: bool) -> None:
    """Delete dead letters."""
    if queues and not yes:
        click.confirm(f"Delete every dead letter of {', '.join(queues)}?", abort=True)
    with _backend() as backend:
        _apply("purged", job_ids, queues, backend.purge, backend.purge_all)


def _rates_of(row: TaskFigures, seconds: float) -> dict[str, object]:
    """Rates per second, and quantiles in seconds; None: nothing happened."""
    quantiles = {
        f"{name}_{label}_s": histogram.quantile_s(share)
        for name, histogram in (("waited", row.waited), ("ran", row.ran), ("took", row.took))
        for label, share in (("p50", 0.5), ("p99", 0.99))
    }
    rates = {f"{name}_per_s": getattr(row, name) / seconds for name in COUNTERS}
    return {"task": row.task, "queue": row.queue, **rates, **quantiles}


def _quantiles(histogram: Histogram) -> str:
    """Median and 99th percentile, as the upper bounds of their buckets; empty: nothing happened."""
    p50_s, p99_s = histogram.quantile_s(0.5), histogram.quantile_s(0.99)
    return "" if p50_s is None or p99_s is None else f"≤ {_short(p50_s)} / {_short(p99_s)}"


def _short(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


@contextmanager
def _backend() -> Iterator[JobBackend]:
    # Not `Services`: that imports every plugin, which may take seconds.
    settings = load_settings()
    connection = connect(settings.redis_location)
    backend = open_backend(settings, connection)
    try:
        yield backend
    finally:
        backend.close()
        connection.close()


def _apply(
    done: str,
    job_ids: tuple[str, ...],
    queues: tuple[str, ...],
    apply: Callable[[str], bool],
    apply_to_all: Callable[[str], int],
) -> None:
    if not job_ids and not queues:
        raise click.UsageError("name jobs (`rider queue dead` lists them), or a whole queue with --all QUEUE")
    unknown = [job_id for job_id in job_ids if not apply(job_id)]
    count = len(job_ids) - len(unknown) + sum(apply_to_all(name) for name in queues)
    click.echo(f"{count} {done}")
    for job_id in unknown:
        click.secho(f"{job_id} is no dead letter", fg="red", err=True)
    if unknown:
        sys.exit(1)


def _history_cells(record: JobRecord) -> Iterator[str]:
    ran = record.started_ts is not None and record.ended_ts is not None
    yield from (record.id, record.task, record.origin, _when(record.ended_ts), record.state.value)
    yield f"{record.ended_ts - record.started_ts:.2f} s" if ran else ""  # type: ignore[operator]
    yield from (str(record.attempts), f"{record.provider or ''}{' (MOCK)' if record.mock else ''}")
    yield f"{record.problem.code}: {record.problem.message}" if record.problem else ""


def _print_letters(letters: list[DeadLetter]) -> None:
    if not letters:
        click.echo("no dead letters")
        return
    table = Table("job", "task", "ended", "attempts", "error")
    for letter in letters:
        record, problem = letter.record, letter.record.problem
        error = f"{problem.code}: {problem.message}" if problem else "?"
        cells = (record.id, record.task, _when(record.ended_ts), str(record.attempts), error)
        table.add_row(*(escape(printable(cell)) for cell in cells))
    print_table(table)
    click.echo("details: rider queue dead JOB; run again: rider queue requeue JOB; delete: rider queue purge JOB")


def _print_letter(letter: DeadLetter) -> None:
    for line in _lines_of(letter):
        click.echo(printable(line))
    if letter.traceback:
        click.echo(printable_lines(letter.traceback))


def _lines_of(letter: DeadLetter) -> Iterator[str]:
    record, problem = letter.record, letter.record.problem
    yield f"job       {record.id}"
    yield f"task      {record.task}, {record.priority.value} priority, from {record.origin or 'an unknown origin'}"
    yield f"ended     {_when(record.ended_ts)} after {record.attempts} attempt(s)"
    if record.provider:
        yield f"provider  {record.provider}{' (MOCK)' if record.mock else ''}"
    if problem:
        yield f"error     {problem.code}: {problem.message}"
        if problem.remedy:
            yield f"remedy    {problem.remedy}"
    if record.progress:
        yield f"batch     {record.progress.done} of {record.progress.total} items done"
    yield "payload of the first item" if record.progress else "payload"
    for name, value in letter.payload.items():
        yield f"  {name}: {shorten(value, 200)}"


def _when(ts: float | None) -> str:
    return datetime.fromtimestamp(ts).strftime("%Y-%m-%d %H:%M:%S") if ts else ""
