"""Runs a query in the database without SQLAlchemy, which is half of a small process's memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rider_core.errors import DatabaseError, NotMigrated

#: Maximum wait for another process's write, or for PostgreSQL to answer, in seconds; the same as `engine.WAIT_S`.
WAIT_S = 5


def sqlite_path(url: str) -> str:
    """The file of a SQLite database, with escapes (`%20`) decoded. SQLAlchemy decodes them from 2.1 on only."""
    return unquote(url.partition("://")[2].partition("?")[0]).removeprefix("/")


@contextmanager
def keeping_files(file: str) -> Iterator[None]:
    """Leave SQLite's files `-wal` and `-shm` in place when connections are closed meanwhile.

    The last connection that may write removes them, and on a full disk, where there is no space for new ones, not even
    reading is possible without them. A connection that only reads, and is closed last, leaves them.
    """
    with ExitStack() as until_closed:
        with suppress(sqlite3.Error):
            reader = until_closed.enter_context(closing(_reader(Path(file))))
            reader.execute("SELECT count(*) FROM sqlite_master").fetchall()
        yield


def rows(url: str, query: str, *keys: str | int) -> Sequence[Sequence[Any]]:
    """The rows of a query.

    Args:
        url: As `Database` takes it.
        query: `{mark}` stands for each of the keys.

    Raises:
        NotMigrated: it lacks the table.
        DatabaseError: the database cannot be read.
    """
    kind = urlsplit(url).scheme.split("+")[0]
    if kind == "sqlite":
        return _from_sqlite(Path(sqlite_path(url)), query, keys)
    if kind == "postgresql":
        return _from_postgresql("postgresql" + url[url.index("://") :], query, keys)
    raise DatabaseError(f"databases of the kind {kind[:20]!r} are not supported", remedy="use sqlite or postgresql")


def _from_sqlite(file: Path, query: str, keys: Sequence[str | int]) -> Sequence[Sequence[Any]]:
    if not file.exists():  # before the first start nothing is saved
        return []
    if file.is_fifo():  # opening it would block until a process writes
        raise DatabaseError(f"the database file {file} is a pipe", remedy="remove it, or correct DATABASE_URL")
    try:
        with closing(_reader(file)) as connection:
            return connection.execute(query.format(mark="?"), keys).fetchall()
    except sqlite3.Error as error:
        kind = NotMigrated if str(error).startswith("no such table") else DatabaseError
        raise kind(f"the database {file} cannot be read: {error}", remedy="rider db upgrade") from None


def _reader(file: Path) -> sqlite3.Connection:
    """Read-only: reading must not create an empty database."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)


def _from_postgresql(url: str, query: str, keys: Sequence[str | int]) -> Sequence[Sequence[Any]]:
    try:
        psycopg = import_module("psycopg")
    except ImportError as error:
        raise DatabaseError(
            f"the driver for PostgreSQL is not installed: {error}", remedy="pip install 'rider-core[postgres]'"
        ) from None
    try:
        with psycopg.connect(url, connect_timeout=WAIT_S) as connection:
            found: Sequence[Sequence[Any]] = connection.execute(query.format(mark="%s"), keys).fetchall()
            return found
    except psycopg.errors.UndefinedTable:
        raise NotMigrated("the database lacks a table of this version", remedy="rider db upgrade") from None
    except psycopg.Error as error:
        # The message may contain the whole URL with its password.
        raise DatabaseError(
            f"the database cannot be read: {type(error).__name__}", remedy="check DATABASE_URL"
        ) from None
