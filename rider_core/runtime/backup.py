"""A backup: one ZIP archive with the database's tables, the schedules and the settings file. It has secrets.

The tables are JSON lines rather than a copy of SQLite's file: the same archive fits SQLite and PostgreSQL, and it is
restored in one transaction while everything runs. `restore.py` reads it.
"""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, Literal

from pydantic import Field

import rider_core
from rider_core.api.messages import Message
from rider_core.api.schedules import Schedule
from rider_core.config import config_file
from rider_core.config.file import MAX_BYTES as MAX_SETTINGS_FILE_BYTES
from rider_core.database import Database
from rider_core.database.dump import Row, dump_tables
from rider_core.errors import ConfigError, TooLarge

#: Of the archive's form; another one is refused.
FORMAT = 1
MANIFEST, SETTINGS, SCHEDULES = "manifest.json", "rider.toml", "schedules.jsonl"
#: All files of an archive together, unpacked, in bytes: the tables are bounded, and have some 30 MB.
MAX_BYTES = 512 << 20
#: Oldest time that a ZIP archive can tell. Its files have no time of their own: the manifest has that of all.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


class BackupFile(Message):
    """One file of an archive."""

    bytes: int = Field(ge=0, le=MAX_BYTES, description="unpacked")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(Message):
    """What is in an archive, and where it comes from."""

    format: Literal[1] = Field(description="of the archive")
    version: str = Field(max_length=64, description="of rider-core that made it")
    revision: str = Field(max_length=64, description="of the database's tables")
    made_ts: float
    files: dict[str, BackupFile] = Field(max_length=100, description="by name, the manifest itself excepted")


def table_file(table: str) -> str:
    """The name of a table's file in the archive."""
    return f"tables/{table}.jsonl"


def write_backup(target: IO[bytes], database: Database, schedules: Iterable[Schedule] | None) -> Manifest:
    """Write an archive.

    Args:
        schedules: None: they are left out, and a restore leaves those that there are.

    Raises:
        DatabaseError: the database cannot be read, or was never migrated.
        ConfigError: the settings file cannot be read.
        TooLarge: it would have more than `MAX_BYTES`.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        writer = _Writer(archive)
        dump_tables(database, lambda table, rows: writer.add(table_file(table), _lines(rows)))
        if schedules is not None:
            writer.add(SCHEDULES, (schedule.model_dump_json().encode() + b"\n" for schedule in schedules))
        settings = _settings_file()
        if settings is not None:
            writer.add(SETTINGS, [settings])
        manifest = Manifest(
            format=FORMAT,
            version=rider_core.__version__,
            revision=database.revision() or "",
            made_ts=time.time(),
            files=writer.files,
        )
        archive.writestr(zipfile.ZipInfo(MANIFEST, _NO_TIME), manifest.model_dump_json(indent=2))
    return manifest


class _Writer:
    """Adds files to an archive, and counts their bytes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._left = MAX_BYTES
        self.files: dict[str, BackupFile] = {}

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        about = zipfile.ZipInfo(name, _NO_TIME)
        about.compress_type = zipfile.ZIP_DEFLATED
        with self._archive.open(about, "w", force_zip64=True) as file:
            for part in parts:
                self._left -= len(part)
                if self._left < 0:
                    raise TooLarge(f"a backup would have more than {MAX_BYTES >> 20} MB, in {name}")
                file.write(part)
                digest.update(part)
                size += len(part)
        self.files[name] = BackupFile(bytes=size, sha256=digest.hexdigest())


def _lines(rows: Iterator[Row]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _settings_file() -> bytes | None:
    """The settings file as it is; None: there is none."""
    path = config_file()
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            content: Any = file.read(MAX_SETTINGS_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", remedy="check its owner and mode") from None
    if len(content) > MAX_SETTINGS_FILE_BYTES:
        raise ConfigError(f"{path} has more than {MAX_SETTINGS_FILE_BYTES} bytes: this is not a settings file")
    return bytes(content)
