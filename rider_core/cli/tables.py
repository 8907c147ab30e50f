"""Tables on a terminal and in a pipe, without truncated values."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType
from rich.table import Table

#: Width of a table in a pipe, in characters: a pipe has no terminal to ask.
PIPE_WIDTH = 160


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_table(table: Table | RenderableType) -> None:
    """Print a table. A value that does not fit is wrapped: a truncated one can be neither read nor copied."""
    if isinstance(table, Table):
        for column in table.columns:
            column.overflow = "fold"
    console().print(table)
