"""The bootstrap fetches only the pip that it knows, does nothing twice, and says what is wrong in a sentence."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

pytestmark = pytest.mark.slow

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[2] / "contrib" / "build"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The modules of `contrib/build` as a script there sees them."""
    names = ("environments", "uv_tool", "bootstrap")
    monkeypatch.syspath_prepend(FOLDER)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    for name in names:
        del sys.modules[name]


@pytest.fixture
def environments(modules: SimpleNamespace) -> ModuleType:
    module: ModuleType = modules.environments
    return module


@pytest.fixture
def bootstrap(modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """With uv's folder empty, and no uv to be had."""
    module: ModuleType = modules.bootstrap
    monkeypatch.setattr(module, "UV_TOOL", modules.uv_tool.UvTool(tmp_path / "uv", tmp_path / "uv.toml"))
    monkeypatch.setattr(modules.uv_tool.UvTool, "prepare", lambda _: False)
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
def test_a_pip_with_another_hash_is_refused(environments: ModuleType, index: Index, form: str, tmp_path: Path) -> None:
    path = f"/files/{environments.PIP_WHEEL}"
    link = path.lstrip("/") if "elsewhere" in form else path
    index.pages["/simple/pip/"] = PAGES[form].format(name=environments.PIP_WHEEL, path=link).encode()
    index.pages[path] = b"not pip"
    with pytest.raises(environments.Failed, match=r"has the SHA-256 [0-9a-f]{64}, not .* it was not installed"):
        environments.fetch_pip(tmp_path)


def test_an_index_without_our_pip_names_the_way_out(environments: ModuleType, index: Index, tmp_path: Path) -> None:
    index.pages["/simple/pip/"] = b'{"files": [{"url": "/files/pip-1.0-py3-none-any.whl"}]}'
    with pytest.raises(environments.Failed, match=r"offers no pip-.*apt-get install python3-venv"):
        environments.fetch_pip(tmp_path)


def test_an_answer_without_end_is_refused(
    environments: ModuleType, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "MAX_DOWNLOAD_BYTES", 1000)
    index.pages["/simple/pip/"] = b"x" * 1001
    with pytest.raises(environments.Failed, match="more than 1000 bytes"):
        environments.fetch_pip(tmp_path)


def test_no_index_is_said_with_what_to_look_at(
    environments: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    with pytest.raises(environments.Failed, match=r"could not be fetched.*PIP_INDEX_URL"):
        environments.fetch_pip(tmp_path)


def test_an_old_python_is_named(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (3, 99))
    with pytest.raises(bootstrap.Failed, match=r"python3 is 3\.\d+.*needs 3\.99 or newer.*make PYTHON="):
        bootstrap.use_fitting_python()


def test_the_machines_pip_configuration_names_the_index(
    environments: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert environments.index_url() == "https://pypi.org/simple"
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    assert environments.index_url() == "https://mirror.example/simple"


def test_nothing_is_done_twice_and_a_change_is_seen(
    bootstrap: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
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
    assert "making environment" not in changed
    assert "making environment" in mended
    assert list(venv.glob("lib/python*/site-packages/nothing.py"))


def test_a_checkout_of_any_name(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my robot isn't 100%; ż"
    (folder / "plugins" / "one").mkdir(parents=True)
    for project in (folder, folder / "plugins" / "one"):
        (project / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bootstrap, "ROOT", folder)
    install, asked = bootstrap.install, []
    monkeypatch.setattr(bootstrap, "install", lambda _venv, arguments, *_: asked.extend(arguments))
    bootstrap.make_app()
    assert asked == ["pip", "-e", ".[testing]", "-e", "./plugins/one"]
    assert Path.cwd() == folder
    wheel, venv = make_wheel(folder), folder / "environment"
    install(venv, ["--no-index", f"./{wheel.name}"], [], "it")
    listed = subprocess.run([venv / "bin" / "pip", "list"], capture_output=True, text=True, timeout=60, check=True)
    assert "nothing" in listed.stdout, "the first line of a program names the interpreter"


def test_a_pip_that_fails_is_tried_again_the_next_time(bootstrap: ModuleType, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(bootstrap.Failed, match="pip failed; its reason stands above"):
            bootstrap.install(tmp_path / "environment", ["--no-index", "no-such-package"], [], "it")


def test_where_uv_fails_pip_installs(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It may not know how a company's index wants to be asked."""
    tool = bootstrap.UV_TOOL
    tool.program.parent.mkdir(parents=True)
    tool.program.write_text("#!/bin/sh\necho no way >&2\nexit 2\n")
    tool.program.chmod(0o755)
    monkeypatch.setattr(type(tool), "prepare", lambda _: True)
    venv = tmp_path / "environment"
    bootstrap.install(venv, ["--no-index", str(make_wheel(tmp_path))], [], "it")
    output, errors = capfd.readouterr()
    assert "no way" in errors
    assert "pip tries the same" in output
    assert list(venv.glob("lib/python*/site-packages/nothing.py"))


def test_that_there_is_no_uv_for_this_machine_is_said(
    modules: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert not modules.uv_tool.UvTool(tmp_path / "uv", tmp_path / "uv.toml").prepare()
    assert "uv cannot be had here" in capfd.readouterr().out


@pytest.mark.network
def test_uv_is_fetched_once_and_installs(
    modules: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bootstrap, tool = modules.bootstrap, modules.uv_tool.UvTool(tmp_path / "uv", tmp_path / "uv.toml")
    monkeypatch.setattr(bootstrap, "UV_TOOL", tool)
    venv = tmp_path / "environment"
    bootstrap.install(venv, ["--no-index", str(make_wheel(tmp_path))], [], "it")
    assert list(venv.glob("lib/python*/site-packages/nothing.py"))
    assert not list(venv.glob("lib/python*/site-packages/pip")), "pip was needed"
    capfd.readouterr()
    assert tool.prepare()
    assert capfd.readouterr().out == ""


def test_uv_is_configured_as_pip_is(modules: SimpleNamespace) -> None:
    """What `pip config list` prints; the environment counts over the files."""
    listed = """\
:env:.index-url='https://mirror.example/simple'
global.extra-index-url='https://other.example/simple file:///opt/simple'
global.index-url='https://in-the-file.example/simple'
global.trusted-host='mirror.example'
install.find-links='/opt/wheels'
"""
    text = modules.uv_tool.uv_config(modules.uv_tool.options_of(listed))
    assert tomllib.loads(text) == {
        "index-strategy": "unsafe-best-match",
        "find-links": ["/opt/wheels"],
        "allow-insecure-host": ["mirror.example"],
        "index": [
            {"url": "https://other.example/simple"},
            {"url": "file:///opt/simple"},
            {"url": "https://mirror.example/simple", "default": True},
        ],
    }
    assert modules.uv_tool.uv_config({"no-index": "1"}) == "no-index = true\n"
    assert modules.uv_tool.uv_config({}) == ""


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
