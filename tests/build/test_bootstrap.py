"""The bootstrap fetches only the pip that it knows, does nothing twice, and says what is wrong in a sentence."""

from __future__ import annotations

import importlib.util
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "contrib" / "build" / "bootstrap.py"


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Index:
    """A package index on loopback that answers what the test puts into `pages`."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pages.get(self.path)
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    index = Index()
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield index
    index.close()


PAGES = {
    "json": '{{"files": [{{"filename": "{name}", "url": "{path}"}}]}}',
    "json elsewhere": '{{"files": [{{"url": "../../{path}"}}]}}',
    "html": '<a href="{path}#sha256=0">{name}</a>',
}


@pytest.mark.parametrize("form", PAGES)
def test_a_pip_with_another_hash_is_refused(bootstrap: ModuleType, index: Index, form: str, tmp_path: Path) -> None:
    path = f"/files/{bootstrap.PIP_WHEEL}"
    link = path.lstrip("/") if "elsewhere" in form else path
    index.pages["/simple/pip/"] = PAGES[form].format(name=bootstrap.PIP_WHEEL, path=link).encode()
    index.pages[path] = b"not pip"
    with pytest.raises(bootstrap.Failed, match=r"has the SHA-256 [0-9a-f]{64}, not .* it was not installed"):
        bootstrap.fetch_pip(tmp_path)


def test_an_index_without_our_pip_names_the_way_out(bootstrap: ModuleType, index: Index, tmp_path: Path) -> None:
    index.pages["/simple/pip/"] = b'{"files": [{"url": "/files/pip-1.0-py3-none-any.whl"}]}'
    with pytest.raises(bootstrap.Failed, match=r"offers no pip-.*apt-get install python3-venv"):
        bootstrap.fetch_pip(tmp_path)


def test_an_answer_without_end_is_refused(
    bootstrap: ModuleType, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "MAX_DOWNLOAD_BYTES", 1000)
    index.pages["/simple/pip/"] = b"x" * 1001
    with pytest.raises(bootstrap.Failed, match="more than 1000 bytes"):
        bootstrap.fetch_pip(tmp_path)


def test_no_index_is_said_with_what_to_look_at(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    with pytest.raises(bootstrap.Failed, match=r"could not be fetched.*PIP_INDEX_URL"):
        bootstrap.fetch_pip(tmp_path)


def test_an_old_python_is_named(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (3, 99))
    with pytest.raises(bootstrap.Failed, match=r"python3 is 3\.\d+.*needs 3\.99 or newer.*make PYTHON="):
        bootstrap.use_fitting_python()


def test_the_machines_pip_configuration_names_the_index(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert bootstrap.index_url() == "https://pypi.org/simple"
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    assert bootstrap.index_url() == "https://mirror.example/simple"


def test_nothing_is_done_twice_and_a_change_is_seen(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    source = tmp_path / "pyproject.toml"
    source.write_text("1")
    wheel = make_wheel(tmp_path)
    venv = tmp_path / "environment"

    def install() -> str:
        bootstrap.install(venv, ["--no-index", str(wheel)], [source], "it")
        return capfd.readouterr().out

    first, again = install(), install()
    source.write_text("2")
    changed = install()
    (venv / "bin" / "python").unlink()
    mended = install()
    assert "making environment" in first
    assert again == ""
    assert "installing it" in changed
    assert "making" not in changed
    assert "making environment" in mended
    assert list(venv.glob("lib/python*/site-packages/nothing.py"))


def test_a_pip_that_fails_is_tried_again_the_next_time(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    for _ in range(2):
        with pytest.raises(bootstrap.Failed, match="pip failed; its reason stands above"):
            bootstrap.install(tmp_path / "environment", ["--no-index", "no-such-package"], [], "it")


def make_wheel(folder: Path) -> Path:
    """The smallest package there is."""
    wheel = folder / "nothing-1-py3-none-any.whl"
    info = "nothing-1.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("nothing.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: nothing\nVersion: 1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel
