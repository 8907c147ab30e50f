"""Processes that end with this one: a stray worker would take the next run's jobs."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

#: prctl(2): the signal that a process gets when its parent dies, for the case that we are killed ourselves.
PR_SET_PDEATHSIG = 1
#: Loaded here, since a child between fork and exec should load nothing.
LIBC = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def running(
    command: list[str], environment: Mapping[str, str], folder: Path, output: Path, errors: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Start in a process group of its own, which is killed when the block is left, in whatever way."""
    with output.open("wb") as out, errors.open("ab") as err:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    try:
        yield process
    finally:
        # Not asked first: nothing it holds is worth keeping, and its children must go as well. Not yet waited for,
        # so the number cannot be another group's.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def end_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
