"""Restores a backup: checks all of the archive, keeps the present state aside, and only then changes something.

Nothing is unpacked to a path that the archive names: each of its files must be one that a backup has.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rider_core.api.messages import parse_json
from rider_core.api.schedules import Schedule
from rider_core.config import config_file
from rider_core.config.file import parse_file
from rider_core.database.audit_log import AuditEntry, AuditLog
from rider_core.database.dump import TABLES, Row, replace_tables
from rider_core.errors import ConfigError, InvalidInput, TooLarge
from rider_core.jobs.schedules import ScheduleStore, due_times
from rider_core.printable import printable
from rider_core.runtime.backup import MANIFEST, MAX_BYTES, SCHEDULES, SETTINGS, Manifest, table_file, write_backup
from rider_core.runtime.data_folder import make_subfolder
from rider_core.runtime.services import Services

#: A manifest has a line for each of a dozen files.
MAX_MANIFEST_BYTES = 64 * 1024
#: Backups that are made before a restore, and kept.
KEPT_ASIDE = 5
_CHUNK_BYTES = 1 << 20
_NO_BACKUP = "use a file that `rider backup` or the panel has made"


@dataclass(frozen=True)
class Backup:
    """An archive whose every part was checked."""

    manifest: Manifest
    tables: Mapping[str, Sequence[Row]]
    #: None: the archive has none, so those that there are stay.
    schedules: Sequence[Schedule] | None
    settings: bytes | None


def read_backup(file: IO[bytes], revision: str | None) -> Backup:
    """Read and check an archive.

    Args:
        revision: Of the tables of the database in which it is to be restored.

    Raises:
        InvalidInput: it is no backup, is damaged, or was made by a version with other tables.
        TooLarge: it has more than `MAX_BYTES`.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(archive)
            _check_names(archive, manifest)
            if manifest.revision != revision:
                raise InvalidInput(
                    f"the backup has tables of revision {printable(manifest.revision)!r}, the database {revision!r}",
                    remedy=f"restore it with rider-core {printable(manifest.version)}, then update",
                )
            contents = {name: _content(archive, name, manifest) for name in manifest.files}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InvalidInput(f"this is no backup, or it is damaged: {error}", remedy=_NO_BACKUP) from None
    schedules = contents.get(SCHEDULES)
    return Backup(
        manifest=manifest,
        tables={table: _rows(table, contents.get(table_file(table), b"")) for table in TABLES},
        schedules=None if schedules is None else [_schedule(line) for line in schedules.splitlines()],
        settings=contents.get(SETTINGS),
    )


def restore(services: Services, backup: Backup, who: str) -> Path:
    """Replace the present state by the backup's. Returns the file in which the former state is kept.

    Args:
        who: For the audit log.

    Raises:
        BackendUnavailable: Redis cannot be reached, and the backup has schedules. Nothing is changed.
        ConfigError: the settings file cannot be written or would be wrong. Nothing is changed.
        DatabaseError: the database cannot be written. Nothing is changed.
    """
    store = ScheduleStore(services.redis)
    present = None if backup.schedules is None else [record.id for record in store.records()]
    aside = _keep_aside(services, present is not None)
    file = config_file()
    new = file.with_name(f"{file.name}.new")
    if backup.settings is not None:
        _write_settings(new, backup.settings)
    try:
        services.provider_choices.change(lambda: replace_tables(services.database, backup.tables))
        if backup.settings is not None:
            os.replace(new, file)
    finally:
        new.unlink(missing_ok=True)
    _replace_schedules(store, present or (), backup.schedules or ())
    entry = AuditEntry(
        ts=time.time(), who=who, address="", action="restore_backup", target=str(aside), status=200,
        after={"made_ts": backup.manifest.made_ts, "version": backup.manifest.version},
    )  # fmt: skip
    AuditLog(services.database).write(entry)
    return aside


def _replace_schedules(store: ScheduleStore, present: Sequence[str], wanted: Sequence[Schedule]) -> None:
    for schedule_id in set(present) - {schedule.id for schedule in wanted}:
        store.remove(schedule_id)
    for schedule in wanted:
        store.add(schedule, replace=True)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    names = archive.namelist()
    if names.count(MANIFEST) != 1:
        raise InvalidInput(f"the archive has no {MANIFEST}", remedy=_NO_BACKUP)
    if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
        raise TooLarge(f"{MANIFEST} has more than {MAX_MANIFEST_BYTES} bytes")
    with archive.open(MANIFEST) as opened:
        return parse_json(Manifest, opened.read(MAX_MANIFEST_BYTES + 1))


def _check_names(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Refuse any file that no backup has, that is missing or there twice, and too many bytes."""
    known = {SETTINGS, SCHEDULES, *map(table_file, TABLES)}
    names = archive.namelist()
    for name in (*names, *manifest.files):
        if name not in known and name != MANIFEST:
            raise InvalidInput(f"no backup has a file {printable(name)[:80]!r}", remedy=_NO_BACKUP)
    if sorted(names) != sorted([MANIFEST, *manifest.files]):
        raise InvalidInput("the archive has not the files of its manifest, each once", remedy=_NO_BACKUP)
    if sum(about.file_size for about in archive.infolist()) > MAX_BYTES:
        raise TooLarge(f"the archive has more than {MAX_BYTES >> 20} MB, unpacked")


def _content(archive: zipfile.ZipFile, name: str, manifest: Manifest) -> bytes:
    about, parts, left = manifest.files[name], [], manifest.files[name].bytes
    with archive.open(name) as opened:
        # Not more than the manifest says: the archive's own sizes may lie.
        while left >= 0 and (part := opened.read(min(_CHUNK_BYTES, left + 1))):
            parts.append(part)
            left -= len(part)
    content = b"".join(parts)
    if len(content) != about.bytes or hashlib.sha256(content).hexdigest() != about.sha256:
        raise InvalidInput(f"{name} is damaged: it is not what the manifest says", remedy=_NO_BACKUP)
    return content


def _rows(table: str, content: bytes) -> list[Row]:
    return list(_checked_rows(table, content))


def _checked_rows(table: str, content: bytes) -> Iterator[Row]:
    for number, line in enumerate(content.splitlines(), 1):
        row: Any = None
        with suppress(ValueError, RecursionError):
            row = json.loads(line)
        if not isinstance(row, dict) or row.keys() != TABLES[table]:
            raise InvalidInput(f"line {number} of {table_file(table)} is no row of that table", remedy=_NO_BACKUP)
        yield row


def _schedule(line: bytes) -> Schedule:
    schedule = parse_json(Schedule, line)
    due_times(schedule)  # its cron expression and time zone, too
    return schedule


def _keep_aside(services: Services, with_schedules: bool) -> Path:
    """Write a backup of the present state into the data folder, of which the latest few are kept."""
    folder = services.settings.data_dir / "backups"
    make_subfolder(folder)
    target = folder / f"before-restore-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.zip"
    with os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        write_backup(stream, services.database, saved_schedules(services) if with_schedules else None)
    for old in sorted(folder.glob("before-restore-*.zip"))[:-KEPT_ASIDE]:
        old.unlink(missing_ok=True)
    return target


def saved_schedules(services: Services) -> list[Schedule]:
    """All schedules that can be read. Raises `BackendUnavailable`."""
    return [record.schedule for record in ScheduleStore(services.redis).records() if record.schedule is not None]


def _write_settings(target: Path, content: bytes) -> None:
    """Write the new settings file beside the present one, and parse it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(content)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}", remedy="check the folder's mode") from None
    try:
        parse_file(target)
    except ConfigError:
        target.unlink(missing_ok=True)
        raise
