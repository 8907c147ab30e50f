"""Installs the Debian packages that only tests need: as root, or through sudo where that asks for no password.

Rider-PC itself needs none of them, its eyes excepted: mediapipe wants the libraries at the end of the list.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys

#: Package to its programs, or to the folder of its versions. One of them is enough.
PACKAGES = {
    "espeak-ng": ("espeak-ng",),  # compared with our speech: its length
    "redis-server": ("redis-server",),  # stock RQ runs on it
    "postgresql": ("/usr/lib/postgresql",),  # the other supported database; the tests start their own server
    "rabbitmq-server": ("rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server"),  # the tests start their own node
    "chromium-headless-shell": ("chromium-headless-shell", "chromium", "google-chrome"),  # opens the panel
    "strace": ("strace",),  # slows a disk down
    "openssl": ("openssl",),  # makes a certificate for the fake Google of mediapipe's tests
    "ffmpeg": ("ffmpeg",),  # converts audio from and to other formats than WAV, also in the product
    "nginx-light": ("nginx", "/usr/sbin/nginx"),  # a proxy before the panel
    "prometheus": ("prometheus",),  # with promtool: scrapes the product, checks and evaluates our rules
    "prometheus-alertmanager": ("prometheus-alertmanager", "alertmanager"),  # with amtool: takes our alerts
}
#: Package, and the library that mediapipe wants from it, or OpenCV, by which a GPU is checked. Desktops have them.
LIBRARIES = {"libegl1": "EGL", "libgles2": "GLESv2", "libgl1": "GL", "libglib2.0-0": "gthread-2.0"}


def main() -> int:
    missing = [name for name, programs in PACKAGES.items() if not any(map(is_there, programs))]
    missing += [name for name, library in LIBRARIES.items() if ctypes.util.find_library(library) is None]
    if not missing:
        return 0
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    as_root = root_prefix()
    if as_root is None or shutil.which("apt-get") is None:
        print(f"* some tests need programs or libraries that are not here. As root: {' '.join(install)}", flush=True)
        return 1 if os.environ.get("CI") else 0
    print(f"* installing for the tests: {', '.join(missing)}", flush=True)
    # The list of packages may be empty or old; where fetching it fails, the install below says what is wrong.
    run([*as_root, "apt-get", "update", "-q"])
    code = run([*as_root, *install])
    if code != 0:
        print(f"rider: {' '.join(install)} failed with {code}; tests that need these are skipped", file=sys.stderr)
    return code if os.environ.get("CI") else 0


def is_there(program: str) -> bool:
    """Whether this program is on the PATH, or this folder exists."""
    return shutil.which(program) is not None or os.path.isdir(program)


def root_prefix() -> list[str] | None:
    """What to put before a command so that root runs it. None: there is no way without a password."""
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive"]
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return [sudo, "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None


def run(command: list[str]) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
