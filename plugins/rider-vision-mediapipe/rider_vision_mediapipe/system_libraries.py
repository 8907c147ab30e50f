"""The libraries that mediapipe's wheel takes from the system, graphics card or not."""

from __future__ import annotations

import ctypes
import sys

#: Library, and the Debian package that has it. The first two are mediapipe's own, the others those of the OpenCV that
#: it imports.
NEEDED = {
    "libEGL.so.1": "libegl1",
    "libGLESv2.so.2": "libgles2",
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
}


def missing_libraries() -> dict[str, str]:
    """Those of `NEEDED` that this machine does not have. Quick: small ones, without the drivers behind them."""
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
