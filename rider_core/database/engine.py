"""Opens the database behind a URL: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from rider_core.database.reading import sqlite_path
from rider_core.errors import DatabaseError

#: Maximum wait for another process's write, or for PostgreSQL to accept a connection, in seconds. Our transactions take
#: milliseconds: a longer wait is a fault.
WAIT_S = 5
#: Execution option: how a transaction begins on SQLite. `BEGIN IMMEDIATE` if it reads before it writes.
SQLITE_BEGIN = "rider_sqlite_begin"


def open_engine(url: str) -> Engine:
    """An engine for `url`. No connection is made yet.

    Raises:
        DatabaseError: the URL is malformed, its kind is not supported, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError(
            "DATABASE_URL is not a database URL", remedy="write sqlite:////folder/rider.db or postgresql://host/name"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed.set(database=sqlite_path(url)))
    if backend == "postgresql":
        return _open_postgresql(parsed)
    raise DatabaseError(f"databases of the kind {backend!r} are not supported", remedy="use sqlite or postgresql")


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseError("the SQLite database has no file", remedy="name one: sqlite:////folder/rider.db")
    path = Path(url.database)
    if path.is_fifo():  # opening it would block until a process writes
        raise DatabaseError(f"the database file {path} is a pipe", remedy="remove it, or correct DATABASE_URL")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Provider settings may contain keys: only the owner may read the file. SQLite's side files get the same mode.
        path.touch(mode=0o600)
    except OSError as error:
        raise DatabaseError(
            f"the database file {path} cannot be made: {error.strerror}",
            remedy="correct DATABASE_URL or RIDER_DATA_DIR, or the folder's permissions",
        ) from None
    engine = create_engine(url, connect_args={"timeout": WAIT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL) -> Engine:
    if url.drivername == "postgresql":  # which driver that means depends on SQLAlchemy's version
        url = url.set(drivername="postgresql+psycopg")
    try:
        # pre_ping: a connection that was closed while it was in the pool is replaced instead of failing one call.
        return create_engine(url, pool_pre_ping=True, pool_timeout=WAIT_S, connect_args={"connect_timeout": WAIT_S})
    except (ImportError, NoSuchModuleError) as error:
        raise DatabaseError(
            f"the driver for {url.drivername} is not installed: {error}", remedy="pip install 'rider-core[postgres]'"
        ) from None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers and one writer at a time
    cursor.execute("PRAGMA synchronous=NORMAL")  # with WAL: a power cut may take the last rows, never the file
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # By default the driver starts a transaction late, and none for DDL: a failed migration would stay half done.
    connection.exec_driver_sql(connection.get_execution_options().get(SQLITE_BEGIN, "BEGIN"))
