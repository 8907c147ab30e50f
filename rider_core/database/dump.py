"""All rows of all tables, out of the database and into it: the same form for SQLite and PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, text

from rider_core.database.database import BATCH_ROWS, Database
from rider_core.database.tables import Base

#: A row: column to value, in JSON's types.
Row = dict[str, Any]

#: Columns of each table.
TABLES: Mapping[str, frozenset[str]] = {
    table.name: frozenset(table.columns.keys()) for table in Base.metadata.sorted_tables
}


def dump_tables(database: Database, write: Callable[[str, Iterator[Row]], None]) -> None:
    """Call `write` with each table's name and rows, all as of one moment. Writers go on meanwhile.

    Raises:
        DatabaseError: the database cannot be read.
    """
    with database.session() as session:
        if session.get_bind().dialect.name == "postgresql":  # a transaction of SQLite sees one moment in any case
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        for table in Base.metadata.sorted_tables:
            keys = list(table.primary_key)
            found = session.execute(select(table).order_by(*keys).execution_options(yield_per=BATCH_ROWS))
            write(table.name, _yielding(dict(row) for row in found.mappings()))


def replace_tables(database: Database, tables: Mapping[str, Iterable[Row]]) -> None:
    """Replace all rows of all tables, in one transaction. A table that `tables` lacks becomes empty.

    Raises:
        DatabaseError: the database cannot be written, or a value does not fit its column. Nothing is changed then.
    """
    with database.session(reads_first=True) as session:
        for table in Base.metadata.sorted_tables:
            session.execute(delete(table))
            rows = iter(tables.get(table.name, ()))
            while batch := list(islice(rows, BATCH_ROWS)):
                session.execute(insert(table), batch)
            if session.get_bind().dialect.name == "postgresql" and table.autoincrement_column is not None:
                _advance(session, table)


def _advance(session: Any, table: Table) -> None:
    """PostgreSQL counts the rows that it has numbered itself, and would give the numbers of others again."""
    column = table.autoincrement_column
    latest = session.scalar(select(func.coalesce(func.max(column), 0)))
    sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :next, false)")
    session.execute(sequence, {"table": table.name, "column": column.name, "next": latest + 1})  # type: ignore[union-attr]


def _yielding(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows; between batches other green threads of an eventlet panel have their turn."""
    for number, row in enumerate(rows, 1):
        yield row
        if number % BATCH_ROWS == 0:
            time.sleep(0)
