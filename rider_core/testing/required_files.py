"""Files that tests need and the repository does not hold: models, recordings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def required_file(path: Path, what: str) -> Path:
    """`path` where it is a file; else the test is skipped, and in CI it fails.

    Args:
        what: Its name in the message.
    """
    if not path.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{what} is missing: {path}")
        pytest.skip(f"{what} is missing: {path}")
    return path
