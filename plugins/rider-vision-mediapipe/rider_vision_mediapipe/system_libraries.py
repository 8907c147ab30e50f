"""The system libraries that mediapipe's wheel needs, also without a GPU."""

from __future__ import annotations

import ctypes
import sys

#: Library to its Debian package.
NEEDED = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}


def missing_libraries() -> dict[str, str]:
    """The libraries of `NEEDED` that this machine lacks. Fast: they are small, and load no drivers."""
    return {name: package for name, package in NEEDED.items() if not _is_there(name)}


def install_command(packages: dict[str, str]) -> str:
    return f"as root: apt-get install {' '.join(packages.values())}"


def _is_there(name: str) -> bool:
    if sys.platform != "linux":
        return True
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
