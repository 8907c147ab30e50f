"""`rider robot`: shows which side serves each of the robot's domains, and switches domains."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click
from rich.markup import escape
from rich.table import Table

from rider_core.api.steering import (
    CHOICES,
    DOMAINS,
    MAX_SWITCHES,
    MAX_WHY,
    BusView,
    Choice,
    DomainView,
    Restart,
    RobotView,
    SwitchView,
)
from rider_core.cli.tables import print_table
from rider_core.config import load_settings
from rider_core.runtime.redis_connection import connect
from rider_core.runtime.robot_client import RobotClient

BY = "the command line"
UNATTENDED = "neither the PC nor the robot detects obstacles, so the robot is told to stop"
_WHERE = {"pc": "the PC", "local": "the robot", "": "not reported yet"}
_WORDS: dict[str, Choice] = {"auto": "automatic", **{choice: choice for choice in CHOICES}}
_DONE = "done: the robot reports"


@click.group()
def robot() -> None:
    """The robot: whether the PC or the robot serves its voice, vision and text."""


@robot.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def show(as_json: bool) -> None:
    """Every domain, the connection to the robot, and the restarts that it needs."""
    with _client() as client:
        view = client.show()
    if as_json:
        click.echo(view.model_dump_json())
        return
    _print_robot(view)
    _print_domains(view.domains)
    _print_restarts(view.restarts)
    click.echo("switch: rider robot switch DOMAIN pc|local|auto; past switches: rider robot history")


@robot.command()
def halt() -> None:
    """Stop the robot's motion at once."""
    with _client() as client:
        halted = client.halt(BY)
    if not halted.confirmed:
        sent = "sent on its bus" if halted.bus else "its bus is down, too"
        click.secho(f"the robot has not confirmed it ({sent}): {halted.problem}", fg="red", err=True)
        sys.exit(1)
    click.echo("the robot stops")


@robot.command(options_metavar="[--all] [--why TEXT] [--json]")
@click.argument("words", nargs=-1, metavar="[DOMAIN] pc|local|auto")
@click.option("--all", "every", is_flag=True, help="Every domain.")
@click.option("--why", default="", metavar="TEXT", help="Your reason; the history keeps it.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON, one domain a line.")
def switch(words: tuple[str, ...], every: bool, why: str, as_json: bool) -> None:
    """Choose whether the PC or the robot serves DOMAIN (voice, vision or text).

    pc: the PC serves it whenever it can. local: the robot always serves it. auto: as the robot is set; a domain that
    the PC lost by a failure returns to the PC.

    The exit status is 0 only if the robot reports what was chosen.
    """
    domains, choice = _parsed(words, every)
    if len(why) > MAX_WHY:
        raise click.UsageError(f"--why has {len(why)} characters, the limit is {MAX_WHY}")
    with _client() as client:
        switched = client.switch_all(dict.fromkeys(domains, choice), BY, why)
    if as_json:
        for view in switched:
            click.echo(view.model_dump_json())
    else:
        for view in switched:
            _print_switch(view)
        _print_restarts(switched[-1].restarts)
    if not all(view.confirmed for view in switched):
        sys.exit(1)


@robot.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, MAX_SWITCHES), help="Maximum number.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, one a line.")
def history(limit: int, as_json: bool) -> None:
    """Past switches of domains, with time, origin and reason; the latest last."""
    with _client() as client:
        switches = client.show(limit).switches
    if as_json:
        for past in switches:
            click.echo(past.model_dump_json())
        return
    if not switches:
        click.echo("no domain was switched yet")
        return
    table = Table("when", "domain", "served by", "switched by", "reason")
    for past in switches:
        when = datetime.fromtimestamp(past.ts).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(when, *map(escape, (past.domain, _WHERE[past.mode], past.by, past.reason)))
    print_table(table)


@robot.command()
def stop() -> None:
    """Return every domain to the robot and end the link. Under `rider up` it is started again."""
    with _client() as client:
        client.stop()
    click.echo("the link returns the domains to the robot and ends")


def _parsed(words: tuple[str, ...], every: bool) -> tuple[tuple[str, ...], Choice]:
    usage = "name a domain and a choice, as in: rider robot switch voice pc (or: rider robot switch --all pc)"
    if len(words) != (1 if every else 2):
        raise click.UsageError(usage)
    if words[-1] not in _WORDS:
        raise click.UsageError(f"{words[-1]!r} is none of pc, local, auto; {usage}")
    if not every and words[0] not in DOMAINS:
        raise click.UsageError(f"the robot has no domain {words[0]!r}; use one of {', '.join(DOMAINS)}")
    return DOMAINS if every else words[:1], _WORDS[words[-1]]


@contextmanager
def _client() -> Iterator[RobotClient]:
    settings = load_settings()
    with connect(settings.redis_location) as connection:
        client = RobotClient(connection, settings.link_socket)
        try:
            yield client
        finally:
            client.close()


def _print_robot(view: RobotView) -> None:
    simulated = " (simulated)" if view.simulated else ""
    click.echo(f"robot      {view.address}{simulated}; the link is process {view.pid} and serves {view.base_url}")
    click.echo(f"bus        {_bus(view.bus)}")
    click.echo(f"heartbeat  {_heartbeat(view)}")
    for domain, counts in view.work.items():
        done = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "nothing yet"
        click.echo(f"work       {domain}: {done}")


def _bus(bus: BusView) -> str:
    if bus.up:
        return "up in both directions"
    directions = {"to the robot": bus.to_robot, "from the robot": bus.from_robot}
    down = " and ".join(name for name, is_up in directions.items() if not is_up)
    return click.style(f"down {down}: {bus.problem}", fg="red")


def _heartbeat(view: RobotView) -> str:
    heartbeat = view.heartbeat
    sent = "none sent yet" if heartbeat.sent_ts is None else f"sent {time.time() - heartbeat.sent_ts:.0f} s ago"
    if heartbeat.answered:
        return f"{sent}, the robot answered"
    return click.style(f"{sent}, the robot did not answer: {heartbeat.problem}", fg="red")


def _print_domains(domains: Iterable[DomainView]) -> None:
    table = Table("domain", "served by", "state", "wanted", "chosen at", "why", "problem")
    for view in domains:
        problem = view.problem
        if view.unattended:
            problem = "; ".join(filter(None, (UNATTENDED, problem)))
        wanted = "auto" if view.choice == "automatic" else view.choice
        cells = (view.domain, _WHERE[view.mode], view.status, wanted, view.by, view.why or view.reason, problem)
        table.add_row(*map(escape, cells), style="yellow" if problem else None)
    print_table(table)


def _print_switch(switched: SwitchView) -> None:
    domain = switched.domain
    if switched.confirmed:
        automatic = " (automatic)" if domain.choice == "automatic" else ""
        click.echo(f"{domain.domain}: {_DONE} that {_WHERE[domain.mode]} serves it{automatic}")
    else:
        click.secho(f"{domain.domain}: not yet: {switched.problem}", fg="red", err=True)
        click.echo("  the choice is kept, and the link retries; its state: rider robot show", err=True)
    if domain.unattended:
        click.secho(f"{domain.domain}: {UNATTENDED}", fg="yellow", err=True)


def _print_restarts(restarts: Iterable[Restart]) -> None:
    for restart in restarts:
        click.secho(f"to do at the robot: {restart.what} ({restart.why})", fg="yellow")
        click.echo(f"  {restart.command}")
