"""Makes an empty environment and lets pip install into it. Only the standard library, under the system's python3."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

PIP_WHEEL = "pip-26.2.1-py3-none-any.whl"
PIP_SHA256 = "71138adf1f4ca900cdb7d289c21b7494329f2332b6d85f0e1c42108c0384ed3e"
#: The wheel has 2 MB and the index page of pip less than that.
MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024
DOWNLOAD_TIMEOUT_S = 60

#: Variables for other environments, which would make pip install our packages there.
FOREIGN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_ROOT")


class Failed(Exception):
    """Its text is the whole message for the person at the terminal."""


def say(text: str) -> None:
    print(f"* {text}", flush=True)


def make_venv(folder: Path) -> None:
    """An environment without pip: where Debian's ensurepip fails in it, venv's message names no remedy."""
    if importlib.util.find_spec("venv") is None:
        raise Failed(
            f"{sys.executable} lacks its module venv (python3-minimal is not enough): as root, apt-get install python3"
        )
    import venv  # noqa: PLC0415  a cut-down python3 has none, and that is to be said, not to be a traceback

    say(f"making {folder.name} with Python {sys.version.split()[0]}")
    try:
        venv.EnvBuilder(clear=True, symlinks=True).create(folder)
    except OSError as error:
        raise Failed(f"{folder} cannot be made: {error}") from None


def add_pip(venv: Path) -> None:
    """Put pip into an environment that has none."""
    if list(venv.glob("lib/python*/site-packages/pip")):
        return
    wheel = bundled_pip() or fetch_pip(venv)
    if run_python(venv, [f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)]) != 0:
        raise Failed("pip could not install itself; its reason stands above")


def bundled_pip() -> Path | None:
    """The wheel of pip that came with this python3. Debian's and some others have none."""
    spec = importlib.util.find_spec("ensurepip")
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob("_bundled/pip-*.whl"))), None)


def fetch_pip(folder: Path) -> Path:
    """Fetch pip's wheel into `folder` and check its hash."""
    index = index_url()
    say(f"no pip comes with this python3: fetching {PIP_WHEEL} from {urllib.parse.urlsplit(index).hostname}")
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
    wheel = folder / PIP_WHEEL
    wheel.write_bytes(data)
    return wheel


def index_url() -> str:
    """As pip finds it, before there is a pip: the environment first, then the machine's pip.conf."""
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
    """Install with pip, which is put into the environment first."""
    add_pip(venv)
    if run_python(venv, ["-m", "pip", *arguments]) != 0:
        raise Failed(
            "pip failed; its reason stands above. Where it speaks of connections: this needs the Python package "
            "index (or a mirror in PIP_INDEX_URL). Run the same command again: it goes on from here"
        )


def run_python(venv: Path, arguments: list[str]) -> int:
    """Exit status of the environment's python."""
    command = [str(venv / "bin" / "python"), *arguments]
    return subprocess.run(command, env=own_environment(), stdin=subprocess.DEVNULL, check=False).returncode


def own_environment() -> dict[str, str]:
    """The variables for pip and for uv, without those that are meant for other environments."""
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    environment.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PYTHONNOUSERSITE="1")
    # An old pip, as ensurepip brings it, knows its own variable only; uv does not know that one.
    for source, target in (("SSL_CERT_FILE", "PIP_CERT"), ("PIP_CERT", "SSL_CERT_FILE")):
        if environment.get(source):
            environment.setdefault(target, environment[source])
    return environment
