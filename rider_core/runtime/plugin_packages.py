"""The Python packages of this environment: which are installed, which bring plugins, and what installs them."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

from rider_core.api.hookspecs import ENTRY_POINT_GROUP
from rider_core.errors import PluginError

#: The program itself is no plugin.
CORE = "rider-core"


def normalized(name: str) -> str:
    """The one spelling of a package's name (PEP 503): `Rider_Echo` and `rider-echo` are the same package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_packages() -> dict[str, str]:
    """Normalized name to version of every package whose metadata can be read."""
    importlib.invalidate_caches()
    found: dict[str, str] = {}
    for package in distributions():
        about = package.metadata
        # Damaged metadata lacks either. The first one on the path is the one that is imported.
        if about is not None and about["Name"] and about["Version"]:
            found.setdefault(normalized(about["Name"]), about["Version"])
    return found


def plugins_in(package: str) -> list[str]:
    """Names of the plugins that an installed package brings, sorted; empty: it has none, or is not installed."""
    importlib.invalidate_caches()
    try:
        points = distribution(package).entry_points
    except PackageNotFoundError:
        return []
    return sorted(point.name for point in points if point.group == ENTRY_POINT_GROUP)


class PackageInstaller:
    """The command lines of pip, or of uv where there is no pip. Packages are named by their checked names only."""

    def __init__(self) -> None:
        """Raises `PluginError`: there is neither pip nor uv."""
        uv = shutil.which("uv")
        if importlib.util.find_spec("pip") is not None:
            self._pip: list[str] | None = [sys.executable, "-m", "pip"]
        elif (wheel := _bundled_pip()) is not None:
            self._pip = [sys.executable, f"{wheel}/pip"]
        elif uv is not None:
            self._pip = None
        else:
            raise PluginError(
                "this Python environment has no pip, and there is no uv",
                remedy=f"{sys.executable} -m ensurepip, or install uv",
            )
        self._uv = [uv or "uv", "pip"]

    def install(self, package: str, constraints: Path) -> list[str]:
        """Install the newest version that fits `constraints`, a file with the packages that must stay as they are."""
        if self._pip is None:
            return [*self._uv, "install", *self._uv_options(), "--constraints", str(constraints), "--", package]
        options = ["--no-input", "--disable-pip-version-check", "--no-color", "--progress-bar=off", "--retries=2"]
        return [*self._pip, "install", *options, f"--constraint={constraints}", "--", package]

    def remove(self, packages: list[str]) -> list[str]:
        """Remove packages, and nothing that they need."""
        if self._pip is None:
            return [*self._uv, "uninstall", *self._uv_options(), "--", *packages]
        options = ["--yes", "--no-input", "--disable-pip-version-check", "--no-color"]
        return [*self._pip, "uninstall", *options, "--", *packages]

    def _uv_options(self) -> list[str]:
        return ["--python", sys.executable, "--no-progress", "--color=never"]


def _bundled_pip() -> Path | None:
    """The wheel of pip that came with this Python: pip runs from it without being installed."""
    spec = importlib.util.find_spec("ensurepip")
    if spec is None or spec.origin is None:
        return None
    return max(Path(spec.origin).parent.glob("_bundled/pip-*.whl"), default=None)
