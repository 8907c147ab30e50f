"""`rider backup`: everything that people have saved here in one file, and back from it."""

from __future__ import annotations

import io
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from rider_core.cli.support import write_private
from rider_core.config import load_settings
from rider_core.printable import printable
from rider_core.runtime.backup import write_backup
from rider_core.runtime.restore import read_backup, saved_schedules
from rider_core.runtime.restore import restore as restore_backup
from rider_core.runtime.services import Services
from rider_core.runtime.support_bundle import archive_name


@click.group(invoke_without_command=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; there must be none.")
@click.option("--without-schedules", is_flag=True, help="For where Redis, which has them, does not run.")
@click.pass_context
def backup(context: click.Context, output: Path | None, without_schedules: bool) -> None:
    """Write settings, prompts, schedules, users and histories into one file. It has secrets: keep it safe."""
    if context.invoked_subcommand is not None:
        return
    content = io.BytesIO()
    with closing(Services.open(load_settings(), role="backup")) as services:
        manifest = write_backup(content, services.database, None if without_schedules else saved_schedules(services))
    target = output or Path(archive_name("backup"))
    write_private(target, content.getvalue())
    for name, about in manifest.files.items():
        click.echo(f"{name:<30} {about.bytes // 1024 + 1:>6} kB")
    click.echo(f"written to {target}; it has secrets, so only you may read it")


@backup.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Replace what is saved here by a backup. The former state is kept beside it in a backup of its own."""
    with closing(Services.open(load_settings(), role="backup")) as services, file.open("rb") as opened:
        services.database.upgrade()
        found = read_backup(opened, services.database.revision())
        made = datetime.fromtimestamp(found.manifest.made_ts).astimezone().strftime("%Y-%m-%d %H:%M")
        click.echo(f"a backup of {made}, by rider-core {printable(found.manifest.version)}")
        if not yes:
            click.confirm("Replace all that is saved here by it?", abort=True)
        aside = restore_backup(services, found, "local")
    click.echo(f"restored; what was there before: rider backup restore {aside}")
    if found.schedules is None:
        click.echo("it has no schedules: those that there are stay")
    if found.settings is not None:
        click.echo("settings of the file count from the next start on; `rider doctor` checks them")
