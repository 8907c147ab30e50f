"""Tables on a terminal and in a pipe, without truncated values."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType
from rich.table import Table

#: Width of a table in a pipe, in characters: a pipe has no terminal to ask.
PIPE_WIDTH = 160
#: Columns that are not wrapped leave room for the others from this width on.
NO_WRAP_WIDTH = 80
#: The smallest width of a column in characters, its line and blanks included.
COLUMN_WIDTH = 6


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_table(table: Table | RenderableType) -> None:
    """Print a table. A value that does not fit is wrapped: a truncated one can be neither read nor copied."""
    terminal = console()
    if isinstance(table, Table):
        for column in table.columns:
            column.overflow = "fold"
            column.no_wrap = column.no_wrap and terminal.width >= NO_WRAP_WIDTH
        if terminal.width < COLUMN_WIDTH * len(table.columns):
            table = _one_below_the_other(table)
    terminal.print(table)


def _one_below_the_other(table: Table) -> Table:
    """The same values, each in a line of its own behind its column's name: rich leaves out columns without room."""
    narrow = Table(show_header=False, caption=table.caption)
    narrow.add_column(overflow="fold")
    narrow.add_column(overflow="fold")
    names = [column.header for column in table.columns]
    for row, cells in zip(table.rows, zip(*(column.cells for column in table.columns), strict=True), strict=True):
        for number, (name, cell) in enumerate(zip(names, cells, strict=True), 1):
            narrow.add_row(name, cell, style=row.style, end_section=number == len(names))
    return narrow
