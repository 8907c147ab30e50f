"""Writes into the database without SQLAlchemy: small rows of processes that would not load it otherwise."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from rider_core.database.reading import WAIT_S, keeping_files, sqlite_path
from rider_core.errors import DatabaseError

#: A statement, in which `{mark}` stands for each of the values.
Statement = tuple[str, Sequence[Any]]


def execute(url: str, statements: Sequence[Statement]) -> None:
    """Execute the statements in one transaction.

    Args:
        url: As `Database` takes it.

    Raises:
        DatabaseError: the database cannot be written, or lacks the table.
    """
    kind = urlsplit(url).scheme.split("+")[0]
    if kind == "sqlite":
        _in_sqlite(sqlite_path(url), statements)
    elif kind == "postgresql":
        _in_postgresql("postgresql" + url[url.index("://") :], statements)
    else:
        raise DatabaseError(f"databases of the kind {kind[:20]!r} are not supported", remedy="use sqlite or postgresql")


def _in_sqlite(file: str, statements: Sequence[Statement]) -> None:
    try:
        # `rw`: writing must not create an empty database.
        address = f"file:{file}?mode=rw"
        with keeping_files(file), closing(sqlite3.connect(address, uri=True, timeout=WAIT_S)) as connection, connection:
            for text, values in statements:
                connection.execute(text.format(mark="?"), values)
    except sqlite3.Error as error:
        raise DatabaseError(f"the database {file} cannot be written: {error}", remedy="rider db upgrade") from None


def _in_postgresql(url: str, statements: Sequence[Statement]) -> None:
    psycopg = import_module("psycopg")
    try:
        with psycopg.connect(url, connect_timeout=WAIT_S) as connection:
            for text, values in statements:
                connection.execute(text.format(mark="%s"), values)
    except psycopg.Error as error:
        # The message may contain the whole URL with its password.
        raise DatabaseError(
            f"the database cannot be written: {type(error).__name__}", remedy="check DATABASE_URL"
        ) from None
