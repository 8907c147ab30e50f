"""Sanitizes a server's texts for terminals, logs and error messages."""

from __future__ import annotations

import shlex

MAX_CHARACTERS = 300


def one_line(text: object, limit: int = MAX_CHARACTERS) -> str:
    """The printable characters of a text on one line, without control sequences, cut to `limit` characters."""
    # Cut first, so that a long text costs nothing.
    cut = str(text)[: 2 * limit]
    line = " ".join("".join(char if char.isprintable() else " " for char in cut).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def pull_command(model: str) -> str:
    """The command that pulls a model, quoted for a shell."""
    return f"rider ollama pull {shlex.quote(one_line(model, 128))}"
