"""Commands while a `rider up` runs on the same data folder."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rider_core.config import Settings
from rider_core.runtime.plugin_changes import changes_since_start, record_plugins
from rider_core.runtime.supervision import SOCKET_NAME
from rider_core.testing.processes import Processes, announce_plugin


@pytest.fixture
def run_folder(processes: Processes) -> Iterator[Path]:
    """The folder `run` with a listening socket, as of a running supervisord."""
    folder = processes.folder / "data" / "run"
    folder.mkdir(parents=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / SOCKET_NAME))
        listener.listen()
        yield folder


def rider(processes: Processes, *arguments: str) -> tuple[int, str]:
    status = processes.fork("rider_core.cli.main", *arguments, log="-".join(arguments)).wait(60)
    return status, processes.log("-".join(arguments))


def test_a_second_up_touches_nothing(processes: Processes, run_folder: Path) -> None:
    metrics = run_folder / "metrics" / "counter_1.db"
    metrics.parent.mkdir()
    metrics.write_text("metrics of the first one")
    processes.environment.update(RIDER_WEB_PORT="0", RIDER_LINK_PORT="0", RIDER_PI_HOST="127.0.0.1")
    status, output = rider(processes, "up")
    assert status == 1
    assert f"`rider up` runs on {run_folder.parent} already" in output
    assert "RIDER_DATA_DIR" in output
    assert [it.name for it in run_folder.iterdir() if it.name != SOCKET_NAME] == ["metrics"]
    assert metrics.read_text() == "metrics of the first one"


def test_plugins_list_names_changes_since_the_start(processes: Processes, run_folder: Path) -> None:
    announce_plugin(processes.folder, "a-first", "json")
    processes.environment["RIDER_PLUGINS_DISABLED"] += ",a-first,a-second"
    record_plugins(Settings(data_dir=run_folder.parent))
    file = run_folder / "plugins.json"
    known = file.read_text()
    file.write_text(known.replace("{", '{"a-first": "a-first 1.0", "a-third": "a-third 1.0", ', 1))
    announce_plugin(processes.folder, "a-second", "json")
    status, output = rider(processes, "plugins", "list")
    assert status == 0
    assert "plugins have changed (a-second was added, a-third was removed): start it again" in " ".join(output.split())


def test_run_names_changes_since_the_start(processes: Processes, run_folder: Path) -> None:
    """Its worker may not know the plugin that the job needs."""
    record_plugins(Settings(data_dir=run_folder.parent))
    announce_plugin(processes.folder, "a-second", "json")
    processes.environment.update(REDIS_URL="redis://127.0.0.1:1", RIDER_SAFE_MODE="true")
    _, output = rider(processes, "run", "text.generate", "hello")
    assert output.startswith("since `rider up` was started, plugins have changed (a-second was added): start it again")


def test_without_a_running_up_no_changes_are_named(processes: Processes) -> None:
    run = processes.folder / "data" / "run"
    run.mkdir(parents=True, mode=0o700)
    (run / "plugins.json").write_text('{"a-third": "a-third 1.0"}')
    assert "have changed" not in rider(processes, "plugins", "list")[1]


@pytest.mark.parametrize("metadata", [None, b"", b"\xff\xfe\x00"], ids=["gone", "empty", "no text"])
def test_a_half_removed_plugin_counts_as_another_version(
    processes: Processes, run_folder: Path, metadata: bytes | None
) -> None:
    """As after a full disk, or a killed pip."""
    announce_plugin(processes.folder, "a-first", "json")
    record_plugins(Settings(data_dir=run_folder.parent))
    file = run_folder / "plugins.json"
    file.write_text(file.read_text().replace("{", '{"a-first": "a-first 1.0", ', 1))
    about = processes.folder / "a_first-1.0.dist-info" / "METADATA"
    about.unlink() if metadata is None else about.write_bytes(metadata)
    status, output = rider(processes, "plugins", "list")
    assert status == 0, output
    assert "a-first has another version" in " ".join(output.split())


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": ' * 100_000, "7", '{"a": null, "b": ["c"]}', "\ud800"])
def test_the_recorded_plugins_may_be_damaged(processes: Processes, run_folder: Path, content: str) -> None:
    (run_folder / "plugins.json").write_bytes(content.encode(errors="surrogatepass"))
    settings = Settings(data_dir=run_folder.parent)
    changes = changes_since_start(settings)
    assert changes == "" or "a was removed" in changes
    record_plugins(settings)
    assert changes_since_start(settings) == ""
