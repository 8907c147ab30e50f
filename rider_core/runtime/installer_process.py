"""Runs pip or uv without a shell, copies its lines to a log, and says in a sentence why it failed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress

from rider_core.errors import PluginError
from rider_core.printable import printable, without_passwords

#: Maximum duration of one run, in seconds: engines have hundreds of MB, and home lines are slow.
LIMIT_S = 1_800.0
#: Lines that one run may write into the log, and their length in characters.
MAX_LINES, MAX_LINE = 5_000, 500
#: The last lines in which a reason is looked for.
_KEPT = 400

#: What the lines of pip and uv tell, as sentences with remedies; the first that fits counts.
_REASONS = (
    (
        r"No space left on device|Disk quota exceeded",
        "the disk is full",
        "free some space, then try again",
    ),
    (
        r"externally[- ]managed",
        "this Python belongs to the operating system, which allows no installation",
        "install Rider-PC into a virtual environment: python3 -m venv",
    ),
    (
        r"Permission denied|EnvironmentError: \[Errno 13\]",
        "the user of Rider-PC may not write into this Python environment",
        "install it in a terminal as the environment's owner",
    ),
    (
        r"Failed to establish a new connection|Temporary failure in name resolution|Name or service not known"
        r"|Network is unreachable|Connection refused|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError"
        r"|error sending request|dns error|Could not connect|Connection to \S+ timed out",
        "the package index cannot be reached",
        "check the network and the index's address (pip config list), then try again",
    ),
    (
        r"HTTP error 40[13]|HTTP error 407|40[13] Client Error|status code: 40[13]",
        "the package index refuses the request",
        "check the index's password (pip config list)",
    ),
    (
        r"ResolutionImpossible|conflicting dependencies|is incompatible|unsatisfiable|cannot install .* because",
        "it needs other versions of packages than those that are installed",
        "install it in a terminal, where the installed ones may change: pip install",
    ),
    (
        r"No matching distribution found|was not found in the package registry|no versions? of",
        "the package index has no version of it for this Python and computer",
        "check its name in RIDER_PLUGINS_INSTALLABLE",
    ),
    (
        r"[Ff]ailed to build|Failed building wheel|metadata-generation-failed|build_wheel",
        "it must be built here, and that failed",
        "the log above has the reason; often a compiler is missing",
    ),
)


def run_installer(command: list[str], write: Callable[[str], None]) -> None:
    """Run it to its end; each line of its output goes to `write`.

    Raises:
        PluginError: it failed; the message has the reason.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill_group(process.pid)

    timer = threading.Timer(LIMIT_S, end)
    timer.daemon = True
    timer.start()
    kept: list[str] = []
    try:
        for number, line in enumerate(process.stdout):
            shown = printable(without_passwords(line.rstrip()))[:MAX_LINE]
            if number < MAX_LINES and shown:
                write(shown)
            kept = [*kept[-_KEPT:], shown]
        status = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:  # Ctrl-C, or a full disk
            _kill_group(process.pid)
            process.wait()
    if late.is_set():
        raise PluginError(f"the installer did not end within {LIMIT_S:g} s", remedy="try again, or in a terminal")
    if status != 0:
        raise _failure(status, kept)


def _failure(status: int, lines: list[str]) -> PluginError:
    text = "\n".join(lines)
    for pattern, reason, remedy in _REASONS:
        if re.search(pattern, text):
            return PluginError(reason, remedy=remedy)
    last = next((line for line in reversed(lines) if line.startswith(("ERROR", "error"))), "")
    return PluginError(
        f"the installer ended with status {status}" + (f": {last}" if last else ""), remedy="the log above has more"
    )


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
