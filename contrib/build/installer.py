"""Environments for the tests, made by uv where `make test` has fetched it, else by venv and pip."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

_UV = Path(__file__).resolve().parents[2] / ".make" / "uv" / "bin" / "uv"


class Installer:
    """Makes environments and packages, and raises `subprocess.CalledProcessError` where that fails."""

    def __init__(self) -> None:
        self._uv = str(_UV) if _UV.exists() else shutil.which("uv")

    def make(self, folder: Path) -> Path:
        """A new environment of the interpreter that runs this. Its python."""
        if self._uv:
            _run([self._uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        else:
            venv.create(folder, clear=True, with_pip=True)
        return folder / "bin" / "python"

    def install(self, python: Path | str, arguments: Sequence[str]) -> None:
        """What `pip install ARGUMENTS` does in that python's environment."""
        if self._uv:
            _run([self._uv, "pip", "install", "--quiet", "--python", str(python), *arguments])
        else:
            _run([str(python), "-m", "pip", "install", "--quiet", *arguments])

    def build(self, project: Path, folder: Path) -> None:
        """An sdist, and a wheel from that: what is not in the first cannot get into the second."""
        if self._uv:
            _run([self._uv, "build", "--quiet", "--python", sys.executable, "--out-dir", str(folder), str(project)])
        else:
            _run([sys.executable, "-m", "build", "--outdir", str(folder), str(project)])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
