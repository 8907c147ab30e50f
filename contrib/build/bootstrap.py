"""Makes the virtual environments of `make run` and `make test`. Runs under the system's own python3.

Only the standard library is used, and not all of that is there: Debian cuts `ensurepip` out of python3. Without it,
pip's wheel is fetched from the package index, compared with the hash below, and installs itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP_VENV = ROOT / ".venv"
TOX_VENV = ROOT / ".make" / "tox"
TOX = ("tox>=4.21,<5",)

OLDEST, NEWEST = (3, 10), (3, 14)
PIP_WHEEL = "pip-26.2.1-py3-none-any.whl"
PIP_SHA256 = "71138adf1f4ca900cdb7d289c21b7494329f2332b6d85f0e1c42108c0384ed3e"
#: The wheel has 2 MB and the index page of pip less than that.
MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024
DOWNLOAD_TIMEOUT_S = 60

#: What a person set for another environment, and would send our packages there.
FOREIGN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_ROOT")
STAMP = "rider-stamp"


class Failed(Exception):
    """Its text is the whole message for the person at the terminal."""


def say(text: str) -> None:
    print(f"* {text}", flush=True)


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
    """The core and its plugins, in place, so that a changed file counts at once."""
    folders = [ROOT, *sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))]
    missing = [str(folder) for folder in folders if not is_package(folder)]
    if missing:
        raise Failed(f"these folders hold no Python package: {', '.join(missing)}. Is the checkout complete?")
    arguments = [part for folder in folders for part in ("-e", str(folder))]
    sources = [path for folder in folders for path in (folder / "setup.py", folder / "pyproject.toml")]
    install(APP_VENV, arguments, [*sources, *panel_sources()], "rider-core and its plugins (a few minutes, once)")


def make_tox() -> None:
    install(TOX_VENV, list(TOX), [], "tox")


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
    if not usable:
        make_venv(venv)
    stamp.write_text(python_key)
    started = time.monotonic()
    say(f"installing {what}")
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


def make_venv(folder: Path) -> None:
    if importlib.util.find_spec("venv") is None:
        raise Failed(
            f"{sys.executable} lacks its module venv (python3-minimal is not enough): as root, apt-get install python3"
        )
    import venv  # noqa: PLC0415  a cut-down python3 has none, and that is to be said, not to be a traceback

    own_pip = importlib.util.find_spec("ensurepip") is not None
    say(f"making {folder.relative_to(ROOT)} with Python {sys.version.split()[0]}")
    try:
        # Without pip first: what venv says when Debian's ensurepip fails in it helps nobody.
        venv.EnvBuilder(clear=True, symlinks=True).create(folder)
        if not own_pip or run_python(folder, ["-m", "ensurepip", "--default-pip"], quiet=True) != 0:
            fetch_pip(folder)
    except OSError as error:
        raise Failed(f"{folder} cannot be made: {error}") from None


def fetch_pip(venv: Path) -> None:
    index = index_url()
    say(f"this python3 has no ensurepip: fetching {PIP_WHEEL} from {urllib.parse.urlsplit(index).hostname}")
    page_url = index.rstrip("/") + "/pip/"
    # Both forms of index page, JSON and HTML, name the file's address in quotation marks.
    page = fetch(page_url).decode("utf-8", "replace")
    found = re.search(r'"([^"#]*/' + re.escape(PIP_WHEEL) + r')[#"]', page)
    if found is None:
        raise Failed(f"{page_url} offers no {PIP_WHEEL}. As root: apt-get install python3-venv")
    data = fetch(urllib.parse.urljoin(page_url, found.group(1)))
    digest = hashlib.sha256(data).hexdigest()
    if digest != PIP_SHA256:
        raise Failed(f"{PIP_WHEEL} from {index} has the SHA-256 {digest}, not {PIP_SHA256}: it was not installed")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / PIP_WHEEL
        wheel.write_bytes(data)
        if run_python(venv, [f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)]) != 0:
            raise Failed("pip could not install itself; its reason stands above")


def index_url() -> str:
    """As pip finds it: the environment first, then the machine's pip.conf."""
    named = os.environ.get("PIP_INDEX_URL")
    if named:
        return named
    configured = Path(os.environ.get("PIP_CONFIG_FILE") or "/etc/pip.conf")
    text = configured.read_text() if configured.is_file() else ""
    found = re.search(r"^\s*index[-_]url\s*=\s*(\S+)", text, re.MULTILINE)
    return found.group(1) if found else "https://pypi.org/simple"


def fetch(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5"})
    # SSL_CERT_FILE and the proxy variables are read by Python itself.
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    try:
        with urllib.request.urlopen(request, timeout=DOWNLOAD_TIMEOUT_S, context=context) as answer:
            data: bytes = answer.read(MAX_DOWNLOAD_BYTES + 1)
    except (OSError, ValueError) as error:
        hint = "Is there a network, and does it need a proxy (HTTPS_PROXY) or a package mirror (PIP_INDEX_URL)?"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = "As root: apt-get install ca-certificates; behind a filter, name its certificate in SSL_CERT_FILE."
        raise Failed(f"{url} could not be fetched: {error}. {hint}") from None
    if len(data) > MAX_DOWNLOAD_BYTES:
        raise Failed(f"{url} has more than {MAX_DOWNLOAD_BYTES} bytes: that is not what was asked for")
    return data


def run_pip(venv: Path, arguments: list[str]) -> None:
    if run_python(venv, ["-m", "pip", *arguments]) != 0:
        raise Failed(
            "pip failed; its reason stands above. Where it speaks of connections: this needs the Python package "
            "index (or a mirror in PIP_INDEX_URL). Run the same command again: it goes on from here"
        )


def run_python(venv: Path, arguments: list[str], *, quiet: bool = False) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    environment.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PYTHONNOUSERSITE="1")
    if environment.get("SSL_CERT_FILE"):
        # An old pip, as ensurepip brings it, knows its own variable only.
        environment.setdefault("PIP_CERT", environment["SSL_CERT_FILE"])
    where = subprocess.DEVNULL if quiet else None
    command = [str(venv / "bin" / "python"), *arguments]
    return subprocess.run(
        command, env=environment, stdout=where, stderr=where, stdin=subprocess.DEVNULL, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
