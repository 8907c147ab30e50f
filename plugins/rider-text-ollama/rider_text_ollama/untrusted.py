"""What a server says, made fit for a line on a terminal, in a log or in a message."""

from __future__ import annotations

import shlex

MAX_CHARACTERS = 300


def one_line(text: object, limit: int = MAX_CHARACTERS) -> str:
    """The printable characters of a text on one line, so that it moves no cursor; the rest is left out."""
    # Cut first: what is thrown away need not be looked at.
    cut = str(text)[: 2 * limit]
    line = " ".join("".join(char if char.isprintable() else " " for char in cut).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def pull_command(model: str) -> str:
    """The command that fetches a model, safe to be copied into a shell whatever the name is."""
    return f"rider ollama pull {shlex.quote(one_line(model, 128))}"
