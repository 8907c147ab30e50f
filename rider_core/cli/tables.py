"""Tables on a terminal and in a pipe: as wide as there is room, and never at the cost of a value."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType
from rich.table import Table

#: Width of a table in a pipe, in characters: a pipe has no terminal to ask.
PIPE_WIDTH = 160


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_table(table: Table | RenderableType) -> None:
    """A value that does not fit goes on in the next line: one that is cut can be neither read nor copied."""
    if isinstance(table, Table):
        for column in table.columns:
            column.overflow = "fold"
    console().print(table)
