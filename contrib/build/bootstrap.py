"""Makes the virtual environments of `make run` and `make test`. Runs under the system's own python3.

Only the standard library is used, and not all of that is there: Debian cuts `ensurepip` out of python3. Without it,
pip's wheel is fetched from the package index and compared with a hash. pip then fetches uv, which installs the rest in
half the time; where there is no uv for the machine, or it fails, pip installs everything.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from environments import Failed, make_venv, run_pip, say
from uv_tool import UvTool

ROOT = Path(__file__).resolve().parents[2]
APP_VENV = ROOT / ".venv"
TOX_VENV = ROOT / ".make" / "tox"
TOX, TOX_UV = "tox>=4.21,<5", "tox-uv>=1.37,<2"
#: `make` names the file in UV_CONFIG_FILE, so that the uv of tox reads it, too.
UV_TOOL = UvTool(ROOT / ".make" / "uv", ROOT / ".make" / "uv.toml")

OLDEST, NEWEST = (3, 10), (3, 14)
STAMP = "rider-stamp"
#: The first line of a script in an environment has the environment's path between double quotes.
SPECIAL_TO_SHELLS = frozenset('"$`\\')


def main() -> int:
    wanted = sys.argv[1:] or ["app"]
    try:
        use_fitting_python()
        if wanted == ["app"]:
            make_app()
        elif wanted == ["tox"]:
            make_tox()
        else:
            raise Failed(f"bootstrap.py knows 'app' and 'tox', not {' '.join(wanted)!r}")
    except Failed as error:
        print(f"\nrider: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrider: interrupted; the next run goes on from here", file=sys.stderr)
        return 130
    return 0


def make_app() -> None:
    """The core with what tests of plugins need, and its plugins, in place: a changed file counts at once."""
    folders = [ROOT, *sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))]
    missing = [str(folder) for folder in folders if not is_package(folder)]
    if missing:
        raise Failed(f"these folders hold no Python package: {', '.join(missing)}. Is the checkout complete?")
    # As paths from here: a semicolon in a whole one would be a requirement's own, to pip and uv.
    os.chdir(ROOT)
    projects = [".[testing]" if folder == ROOT else f"./{folder.relative_to(ROOT)}" for folder in folders]
    # pip, so that people can add plugins of their own.
    arguments = ["pip", *(part for project in projects for part in ("-e", project))]
    sources = [path for folder in folders for path in (folder / "setup.py", folder / "pyproject.toml")]
    install(APP_VENV, arguments, [*sources, *panel_sources()], "rider-core and its plugins (a few minutes, once)")
    if SPECIAL_TO_SHELLS.intersection(str(ROOT)):
        say(f"scripts of Python's environments cannot lie in a folder called {str(ROOT)!r}: where this says")
        say(".venv/bin/rider, use .venv/bin/python -m rider_core.cli.main, or move the checkout and run make again")


def make_tox() -> None:
    install(TOX_VENV, [TOX, TOX_UV] if UV_TOOL.prepare() else [TOX], [], "tox")


def is_package(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file() or (folder / "setup.py").is_file()


def panel_sources() -> list[Path]:
    web = ROOT / "web"
    found = [*web.glob("*.json"), *(web / "src").rglob("*")]
    return sorted(path for path in found if path.is_file())


def install(venv: Path, arguments: list[str], sources: list[Path], what: str) -> None:
    """Bring `venv` to `arguments`; nothing is done where neither the sources nor the interpreter changed."""
    stamp = venv / STAMP
    python_key = hash_of([], sys.version, sys.base_prefix, str(venv))
    package_key = hash_of([Path(__file__), *sources], *arguments)
    before = stamp.read_text().split() if stamp.is_file() else []
    usable = before[:1] == [python_key] and (venv / "bin" / "python").exists()
    if usable and before[1:] == [package_key]:
        return
    started = time.monotonic()
    if not usable:
        make_venv(venv)
    stamp.write_text(python_key)
    fast = UV_TOOL.prepare()
    say(f"installing {what}")
    if not fast or not UV_TOOL.install(venv, arguments):
        run_pip(venv, ["install", "--quiet", *arguments])
    stamp.write_text(f"{python_key} {package_key}")
    say(f"installed in {time.monotonic() - started:.0f} s")


def hash_of(files: list[Path], *texts: str) -> str:
    digest = hashlib.sha256("\0".join(texts).encode())
    for path in files:
        digest.update(f"\0{path}\0".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def use_fitting_python() -> None:
    """Go on under a newer interpreter where python3 is too old."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and subprocess.run([other, "-c", ""], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            os.execv(other, [other, __file__, *sys.argv[1:]])
    raise Failed(
        f"python3 is {sys.version.split()[0]} ({sys.executable}), Rider-PC needs 3.{OLDEST[1]} or newer. "
        "Install one, then say: make PYTHON=/path/to/it run"
    )


if __name__ == "__main__":
    sys.exit(main())
