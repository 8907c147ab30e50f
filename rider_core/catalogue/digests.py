"""Digests of files, with progress."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

#: The first word of each phase of a pull or a verification, for programs.
PHASES = ("downloading", "unpacking", "converting", "verifying", "waiting")
#: Called with the current phase (one of `PHASES`, and what it is done to), the bytes done and the total bytes.
Progress = Callable[[str, int, int], None]

CHUNK_BYTES = 1 << 18


def file_sha256(path: Path, report: Callable[[int], None] = lambda _: None) -> str:
    return file_digest(path, "sha256", report)


def file_digest(path: Path, algorithm: str, report: Callable[[int], None] = lambda _: None) -> str:
    """Hex digest of the file; `report` gets the bytes read so far."""
    digest = hashlib.new(algorithm)
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            report(done)
    return digest.hexdigest()
