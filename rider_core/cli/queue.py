"""`rider queue`: what waits and runs, and the dead letters: jobs that failed for good."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rider_core.api.job_backend import JobBackend
from rider_core.api.jobs import DeadLetter
from rider_core.api.messages import shorten
from rider_core.api.tasks import QUEUES
from rider_core.config import load_settings
from rider_core.runtime.services import Services

_QUEUE = click.Choice(QUEUES)


@click.group()
def queue() -> None:
    """Queues and dead letters."""


@queue.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def stats(as_json: bool) -> None:
    """What waits and runs in each queue now."""
    with _backend() as backend:
        figures = backend.stats()
    if as_json:
        click.echo(json.dumps([queue.model_dump() for queue in figures]))
        return
    table = Table("queue", "waiting", "scheduled", "running", "dead letters", "workers")
    for one in figures:
        unserved = one.waiting and not one.workers
        cells = [one.waiting, one.scheduled, one.running, one.failed, one.workers]
        table.add_row(one.queue, *map(str, cells), style="red" if unserved else None)
    _console().print(table)
    for one in figures:
        if one.waiting and not one.workers:
            click.echo(f"no worker serves {one.queue}; start one with: rider worker {one.queue}")


@queue.command()
@click.argument("job_id", required=False)
@click.option("--queue", "queues", type=_QUEUE, multiple=True, help="Only those of this queue.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="So many of each queue.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, one a line.")
def dead(job_id: str | None, queues: tuple[str, ...], limit: int, as_json: bool) -> None:
    """The dead letters, the latest first; with JOB_ID that one, with its payload and traceback."""
    with _backend() as backend:
        if job_id is not None:
            letters = [backend.dead_letter(job_id)]
        else:
            letters = [letter for name in queues or QUEUES for letter in backend.dead_letters(name, limit)]
    if as_json:
        for letter in letters:
            click.echo(letter.model_dump_json())
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
        _act("requeued", job_ids, queues, backend.requeue, backend.requeue_all)


@queue.command()
@click.argument("job_ids", nargs=-1)
@click.option("--all", "queues", type=_QUEUE, multiple=True, metavar="QUEUE", help="Every dead letter of a queue.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(job_ids: tuple[str, ...], queues: tuple[str, ...], yes: bool) -> None:
    """Forget dead letters for good."""
    if queues and not yes:
        click.confirm(f"Forget every dead letter of {', '.join(queues)}?", abort=True)
    with _backend() as backend:
        _act("purged", job_ids, queues, backend.purge, backend.purge_all)


@contextmanager
def _backend() -> Iterator[JobBackend]:
    services = Services.open(load_settings(), role="cli")
    try:
        yield services.backend
    finally:
        services.close()


def _act(
    done: str,
    job_ids: tuple[str, ...],
    queues: tuple[str, ...],
    one: Callable[[str], bool],
    every: Callable[[str], int],
) -> None:
    if not job_ids and not queues:
        raise click.UsageError("name jobs (`rider queue dead` lists them), or a whole queue with --all QUEUE")
    unknown = [job_id for job_id in job_ids if not one(job_id)]
    count = len(job_ids) - len(unknown) + sum(every(name) for name in queues)
    click.echo(f"{count} {done}")
    for job_id in unknown:
        click.secho(f"{job_id} is no dead letter", fg="red", err=True)
    if unknown:
        sys.exit(1)


def _print_letters(letters: list[DeadLetter]) -> None:
    if not letters:
        click.echo("no dead letters")
        return
    table = Table("job", "task", "ended", "attempts", "error")
    for letter in letters:
        record, problem = letter.record, letter.record.problem
        error = f"{problem.code}: {problem.message}" if problem else "?"
        table.add_row(record.id, record.task, _when(record.ended_ts), str(record.attempts), escape(error))
    _console().print(table)
    click.echo("one of them: rider queue dead JOB; again: rider queue requeue JOB; forget: rider queue purge JOB")


def _print_letter(letter: DeadLetter) -> None:
    record, problem = letter.record, letter.record.problem
    click.echo(f"job       {record.id}")
    click.echo(f"task      {record.task}, {record.priority.value} priority, asked for by {record.origin or 'nobody'}")
    click.echo(f"ended     {_when(record.ended_ts)} after {record.attempts} attempt(s)")
    if record.provider:
        click.echo(f"provider  {record.provider}{' (MOCK)' if record.mock else ''}")
    if problem:
        click.echo(f"error     {problem.code}: {problem.message}")
        if problem.remedy:
            click.echo(f"remedy    {problem.remedy}")
    if record.progress:
        click.echo(f"batch     {record.progress.done} of {record.progress.total} items done")
    click.echo("payload of the first item" if record.progress else "payload")
    for name, value in letter.payload.items():
        click.echo(f"  {name}: {shorten(value, 200)}")
    if letter.traceback:
        click.echo(letter.traceback)


def _when(ts: float | None) -> str:
    return datetime.fromtimestamp(ts).strftime("%Y-%m-%d %H:%M:%S") if ts else ""


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160)
