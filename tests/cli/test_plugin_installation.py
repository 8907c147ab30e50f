"""`rider plugins install` and `remove`, and safe mode for all processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from harness.plugin_environment import GOOD_PLUGIN, PluginEnvironment

from rider_core.cli import up as up_module
from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.testing.processes import Processes


def rider(processes: Processes, *arguments: str) -> tuple[int, str]:
    log = "-".join(arguments)
    return processes.start("-m", "rider_core.cli.main", *arguments, log=log).wait(120), processes.log(log)


@pytest.mark.acceptance
def test_a_package_is_installed_checked_and_removed(processes: Processes, tmp_path: Path) -> None:
    environment = PluginEnvironment(tmp_path)
    environment.use(processes)
    environment.publish("rider-good", GOOD_PLUGIN)
    environment.publish("rider-bad", "x =")
    status, output = rider(processes, "plugins", "install", "rider-good")
    assert status == 0, output
    assert "install rider-good: done" in output
    assert environment.installed() == {"rider-good"}
    status, output = rider(processes, "plugins", "install", "rider-bad")
    assert status == 1
    assert "Error: plugin rider-bad: SyntaxError" in output
    assert environment.installed() == {"rider-good"}, "what failed is gone, what was there is not"
    status, output = rider(processes, "plugins", "remove", "rider-good")
    assert status == 0, output
    assert environment.installed() == set()


@pytest.mark.parametrize("name", ["rider-good==1.0", "../rider-good", "http://x/y.whl", "rider-core"])
def test_only_plain_names_of_other_packages_are_taken(processes: Processes, name: str) -> None:
    status = processes.fork("rider_core.cli.main", "plugins", "install", name).wait(60)
    assert status == 1
    assert f"Error: {name!r} is not the name of a plugin's package" in processes.log()


@pytest.mark.parametrize("name", ["--pre", "a==1", "a b", "./a", ""])
def test_the_list_of_packages_has_plain_names_only(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a package"):
        Settings(plugins_installable=(name,))


def test_safe_mode_is_that_of_all_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RIDER_SAFE_MODE", "false")
    monkeypatch.setenv("RIDER_DATA_DIR", str(tmp_path / "data"))
    seen: list[Settings] = []

    def stop(settings: Settings) -> None:
        seen.append(settings)
        raise ConfigError("enough")

    monkeypatch.setattr(up_module, "acquire_up_lock", stop)
    for arguments, expected in (([], False), (["--safe-mode"], True)):
        assert isinstance(CliRunner().invoke(up_module.up, arguments).exception, ConfigError)
        assert (seen[-1].safe_mode, os.environ["RIDER_SAFE_MODE"]) == (expected, str(expected).lower())
