"""Reads the saved settings of providers, the saved system prompts, and the size. `Database` writes.

Without SQLAlchemy, which is half of a small process's memory: workers read them too.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rider_core.errors import DatabaseError

#: Maximum wait for another process's write, or for PostgreSQL to answer, in seconds; the same as `engine.WAIT_S`.
WAIT_S = 5
#: Of `tables.ProviderSettings` and `tables.SystemPrompt`; tests compare them.
_SETTINGS = "SELECT provider, settings FROM provider_settings ORDER BY provider"
_SIZE = "SELECT pg_database_size(current_database())"
_PROMPTS = "SELECT name, language, text FROM system_prompts ORDER BY name, language"
_PROMPTS_OF = "SELECT name, language, text FROM system_prompts WHERE name = {mark} ORDER BY language"


def saved_settings(url: str) -> dict[str, dict[str, Any]]:
    """The saved settings, by provider.

    Args:
        url: As `Database` takes it.

    Raises:
        DatabaseError: the database cannot be read, or is not migrated.
    """
    rows = _rows(url, _SETTINGS)
    return {str(name): dict(json.loads(it) if isinstance(it, str) else it) for name, it in rows}


def saved_prompts(url: str, name: str | None = None) -> dict[str, dict[str, str]]:
    """The saved system prompts: name to language to text; those of one name, or all.

    Raises:
        DatabaseError: the database cannot be read, or is not migrated.
    """
    found: dict[str, dict[str, str]] = {}
    for prompt, language, text in _rows(url, _PROMPTS) if name is None else _rows(url, _PROMPTS_OF, name):
        found.setdefault(str(prompt), {})[str(language)] = str(text)
    return found


def size_bytes(url: str) -> int:
    """Size of the database's files; 0: there is none yet.

    Raises:
        DatabaseError: the database cannot be asked.
    """
    if not url.startswith("sqlite"):
        return int(_rows(url, _SIZE)[0][0])
    file = sqlite_path(url)
    size = 0
    for name in (file, f"{file}-wal"):
        with suppress(OSError):
            size += os.stat(name).st_size
    return size


def sqlite_path(url: str) -> str:
    """The file of a SQLite database, with escapes (`%20`) decoded. SQLAlchemy decodes them from 2.1 on only."""
    return unquote(url.partition("://")[2].partition("?")[0]).removeprefix("/")


def _rows(url: str, query: str, *keys: str) -> Sequence[Sequence[Any]]:
    kind = urlsplit(url).scheme.split("+")[0]
    if kind == "sqlite":
        return _from_sqlite(Path(sqlite_path(url)), query, keys)
    if kind == "postgresql":
        return _from_postgresql("postgresql" + url[url.index("://") :], query, keys)
    raise DatabaseError(f"databases of the kind {kind[:20]!r} are not supported", remedy="use sqlite or postgresql")


def _from_sqlite(file: Path, query: str, keys: Sequence[str]) -> Sequence[Sequence[Any]]:
    if not file.exists():  # before the first start nothing is saved
        return []
    if file.is_fifo():  # opening it would block until a process writes
        raise DatabaseError(f"the database file {file} is a pipe", remedy="remove it, or correct DATABASE_URL")
    try:
        # Read-only: reading must not create an empty database.
        address = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=WAIT_S)) as connection:
            return connection.execute(query.format(mark="?"), keys).fetchall()
    except sqlite3.Error as error:
        raise DatabaseError(f"the database {file} cannot be read: {error}", remedy="rider db upgrade") from None


def _from_postgresql(url: str, query: str, keys: Sequence[str]) -> Sequence[Sequence[Any]]:
    try:
        psycopg = import_module("psycopg")
    except ImportError as error:
        raise DatabaseError(
            f"the driver for PostgreSQL is not installed: {error}", remedy="pip install 'rider-core[postgres]'"
        ) from None
    try:
        with psycopg.connect(url, connect_timeout=WAIT_S) as connection:
            rows: Sequence[Sequence[Any]] = connection.execute(query.format(mark="%s"), keys).fetchall()
            return rows
    except psycopg.Error as error:
        # The message may contain the whole URL with its password.
        raise DatabaseError(
            f"the database cannot be read: {type(error).__name__}", remedy="check DATABASE_URL"
        ) from None
