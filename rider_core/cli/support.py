"""`rider support`: writes the support bundle, which has no secrets, into a file."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import click

from rider_core.config import load_settings
from rider_core.runtime.services import Services
from rider_core.runtime.support_bundle import archive_name, support_archive, support_files


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; there must be none.")
@click.option("--list", "only_list", is_flag=True, help="Say what would be in it, and write nothing.")
def support(output: Path | None, only_list: bool) -> None:
    """Write a file for those who help you: versions, checks, settings, figures, logs; no secrets, nothing said.

    Look into it before you send it.
    """
    with closing(Services.open(load_settings(), role="support")) as services:
        files = support_files(services)
    for file in files:
        click.echo(f"{file.name:<16} {len(file.text.encode()) // 1024 + 1:>5} kB  {file.about}")
    if only_list:
        return
    target = output or Path(archive_name("support"))
    write_private(target, support_archive(files))
    click.echo(f"written to {target}; look into it before you send it")


def write_private(target: Path, content: bytes) -> None:
    """Write a new file that only its owner may read. An existing one is left alone."""
    try:
        opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.UsageError(f"{target} cannot be written: {error.strerror}; name another with --output") from None
    with os.fdopen(opened, "wb") as stream:
        stream.write(content)
