"""The program `rider`, run as a process."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from redis import Redis

from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey

BROKEN = {
    "raises-at-import": ("raise RuntimeError('no engine here')", "RuntimeError: no engine here"),
    "misspelt-hook": (
        """
from rider_core.api import hookimpl
RIDER_API = "1.0"
@hookimpl
def register_provider(register):
    pass
""",
        "did you mean 'register_providers'?",
    ),
    "from-the-future": ('RIDER_API = "2.0"', "it was made for plugin API 2.0, this is 1.0"),
}


SMALL_MODEL = """
from rider_core.api import ModelEntry, hookimpl
RIDER_API = "1.0"
@hookimpl
def register_models(register):
    register(ModelEntry("small", "small.bin", "five bytes", "MIT", 5, "00" * 32, ()))
"""


CONFIGURED = """
from pydantic import Field
from rider_core.api import ProviderConfig, TextGenerator, hookimpl
RIDER_API = "1.0"
class Config(ProviderConfig):
    steps: int = Field(3, description="of the dance")
    api_key: str = Field("", description="of the dancing school")
class Dancer(TextGenerator):
    name = "dancer"
    Config = Config
    def generate_stream(self, request):
        yield "tango"
@hookimpl
def register_providers(register):
    register(Dancer)
"""


def rider(processes: Processes, *arguments: str, log: str = "rider", **environment: str) -> tuple[int, str]:
    """Exit status and output of `rider ARGUMENTS`."""
    status = processes.fork("rider_core.cli.main", *arguments, log=log, **environment).wait(60)
    return status, processes.log(log)


def test_every_broken_plugin_is_listed_with_its_reason(processes: Processes) -> None:
    for name, (source, _) in BROKEN.items():
        install_plugin(processes.folder, name, source)
    status, output = rider(processes, "plugins", "list", COLUMNS="300")
    assert status == 0
    for name, (_, reason) in BROKEN.items():
        assert re.search(rf"{name}.*{re.escape(reason)}", output), output
    status, output = rider(processes, "plugins", "check", log="check")
    assert status == 1
    assert "Traceback" in output


@pytest.mark.parametrize("encoding", ["iso8859-2", "ascii"])
def test_a_terminal_that_is_not_of_utf_8(processes: Processes, encoding: str) -> None:
    """Missing characters are escaped; the folder's name is not UTF-8 either."""
    folder = processes.folder / os.fsdecode(b"muzyka \xbfona")
    environment = {"RIDER_DATA_DIR": str(folder), "PYTHONIOENCODING": encoding}
    process = processes.start("-m", "rider_core.cli.main", "config", "show", log="table", COLUMNS="80", **environment)
    assert process.wait(60) == 0, processes.log("table")
    process = processes.start("-m", "rider_core.cli.main", "config", "show", "data_dir", log="one", **environment)
    assert (process.wait(60), processes.log("one")[-4:]) == (0, "ona\n"), processes.log("one")


def test_config_show_names_every_setting_and_hides_the_password(processes: Processes) -> None:
    status, output = rider(processes, "config", "show", COLUMNS="300", RIDER_WEB_PASSWORD="canary-5417")
    assert status == 0
    assert "RIDER_PI_HOST" in output
    assert "REDIS_URL" in output
    assert "canary-5417" not in output
    assert rider(processes, "config", "show", "web_port", log="one") == (0, "8000\n")


@pytest.mark.parametrize("command", ["config show redis_url", "config show --json", "queue stats", "doctor"])
@pytest.mark.parametrize(
    "url",
    ["redis://:s3cr3t/5417@127.0.0.1:1/0", "redis://127.0.0.1:1/0?password=s3cr3t", "redis://:s3cr3t#5417@[::1]:1"],
)
def test_no_part_of_a_password_is_printed(processes: Processes, command: str, url: str) -> None:
    """Generated passwords have characters with a meaning in a URL."""
    _, output = rider(processes, *command.split(), REDIS_URL=url)
    assert "Traceback" not in output
    assert "s3cr3t" not in output
    assert "5417" not in output


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"RIDER_WEB_PORT": "much"}, "setting web_port is 'much'"),
        ({"RIDER_ASYNC_MODE": "twisted"}, "setting async_mode is 'twisted'"),
        ({"RIDER_PLUGINS_REQUIRED": "eyes"}, "plugin 'eyes' is required, but it is not installed"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_a_remedy(
    processes: Processes, environment: dict[str, str], message: str
) -> None:
    status, output = rider(processes, "plugins", "list", **environment)
    assert status == 1
    assert message in output
    assert "What to do:" in output
    assert "Traceback" not in output


def test_settings_of_a_provider_are_saved_shown_and_reset(processes: Processes) -> None:
    install_plugin(processes.folder, "configured", CONFIGURED)
    assert rider(processes, "db", "upgrade", log="upgrade")[0] == 0
    status, output = rider(processes, "config", "set", "dancer", "steps=4", "api_key=canary-5417", log="set")
    assert (status, output) == (0, "steps, api_key of dancer saved; running workers use them within seconds\n")
    status, output = rider(processes, "config", "show", "saved_provider_settings", "--json", log="show")
    assert (status, json.loads(output)) == (0, {"dancer": {"steps": 4, "api_key": "***"}})
    status, output = rider(processes, "config", "set", "dancer", "steps=many", log="wrong")
    assert (status, "rider config set dancer steps=VALUE" in output) == (1, True), output
    assert rider(processes, "config", "reset", "dancer", log="reset")[0] == 0
    status, output = rider(processes, "config", "reset", "dancer", log="again")
    assert (status, "nothing is saved for 'dancer'" in output) == (1, True)


def test_system_prompts_are_written_shown_and_reset(processes: Processes) -> None:
    assert rider(processes, "db", "upgrade", log="db")[0] == 0
    status, output = rider(processes, "prompts", "set", "brief", "pl", "Krótko [i] jasno.", log="set")
    assert (status, "brief (pl) is saved" in output) == (0, True)
    assert rider(processes, "prompts", "show", "brief", "--language", "pl", log="show") == (0, "Krótko [i] jasno.\n")
    status, output = rider(processes, "prompts", "list", log="list", COLUMNS="300")
    assert re.search(r"brief\W+pl\W+changed\W+Krótko \[i\] jasno\.", output), output
    assert re.search(r"companion\W+en\W+You are Rider", output), output
    assert rider(processes, "prompts", "reset", "brief", log="reset")[0] == 0
    assert "Odpowiadaj" in rider(processes, "prompts", "show", "brief", "--language", "pl", log="again")[1]
    status, output = rider(processes, "prompts", "reset", "brief", log="nothing")
    assert (status, "rider prompts list" in output, "Traceback" in output) == (1, True, False)


def test_a_fetched_model_is_removed_and_a_local_one_is_not(processes: Processes, tmp_path: Path) -> None:
    install_plugin(processes.folder, "small", SMALL_MODEL)
    mine = tmp_path / "mine"
    mine.mkdir()
    stored = Path(processes.environment["RIDER_DATA_DIR"]) / "models" / "small.bin"
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(b"12345")
    assert rider(processes, "models", "remove", "small", log="one") == (0, "small is removed, 0 MB\n")
    assert not stored.exists()
    assert rider(processes, "models", "remove", "small", log="two") == (0, "small is not installed\n")
    (mine / "small.bin").write_bytes(b"12345")
    status, output = rider(processes, "models", "remove", "small", log="three", RIDER_MODEL_PATH=str(mine))
    assert (status, "is your own file" in output, (mine / "small.bin").exists()) == (1, True, True)
    status, output = rider(processes, "models", "remove", "big", log="four")
    assert (status, "there is no model 'big'" in output) == (1, True)


def test_run_without_redis_is_an_error(processes: Processes) -> None:
    status, output = rider(processes, "run", "text.generate", "hello")
    assert status == 1
    assert "Redis cannot be reached" in output
    assert "Traceback" not in output


def test_doctor_explains_and_the_database_upgrades(processes: Processes) -> None:
    status, output = rider(processes, "doctor")
    assert "database: not migrated yet" in output
    assert "rider db upgrade" in output
    assert status == 0, output
    assert rider(processes, "db", "upgrade", log="db")[0] == 0
    assert "not migrated" not in rider(processes, "doctor", log="again")[1]


def test_doctor_reports_the_tracker(processes: Processes) -> None:
    _, output = rider(processes, "doctor", RIDER_SAFE_MODE="true")
    assert "note tracker: no object tracker is installed\n     what to do: pip install rider-vision-tracking" in output
    enabled = {"RIDER_PLUGINS_DISABLED": ""}
    assert "ok   tracker: bytetrack" in rider(processes, "doctor", log="enabled", **enabled)[1]
    _, output = rider(processes, "doctor", log="wrong", RIDER_TRACKER="unknown", **enabled)
    assert "note tracker: there is no tracker 'unknown'\n     what to do: choose from: bytetrack" in output


def test_doctor_fails_for_a_broken_plugin_or_database(processes: Processes) -> None:
    install_plugin(processes.folder, "raises-at-import", BROKEN["raises-at-import"][0])
    status, output = rider(processes, "doctor")
    assert status == 1
    assert "rider plugins check raises-at-import" in output
    status, output = rider(processes, "doctor", log="database", DATABASE_URL="nonsense://")
    assert status == 1
    assert "FAIL database: databases of the kind 'nonsense' are not supported" in output


def test_doctor_reports_redis_settings_that_may_lose_jobs(processes: Processes, valkey: Valkey) -> None:
    assert f"ok   Redis: {valkey.url}" in rider(processes, "doctor", REDIS_URL=valkey.url)[1]
    with Redis(unix_socket_path=str(valkey.socket)) as connection:
        connection.config_set("appendonly", "no")
        connection.config_set("maxmemory-policy", "allkeys-lru")
    status, output = rider(processes, "doctor", log="careless", REDIS_URL=valkey.url)
    assert f"note Redis: {valkey.url}: it keeps no log" in output
    assert "redis-cli config set appendonly yes; redis-cli config set maxmemory-policy noeviction" in output
    assert status == 0, output


def test_a_plugin_adds_a_command(processes: Processes) -> None:
    install_plugin(
        processes.folder,
        "adds-a-command",
        """
import click
from rider_core.api import hookimpl
RIDER_API = "1.0"
@hookimpl
def register_commands(cli):
    @cli.command()
    def dance():
        click.echo("tango")
""",
    )
    assert rider(processes, "dance") == (0, "tango\n")
    assert json.dumps("dance") not in rider(processes, "--help", log="help")[1]
    assert "dance" in processes.log("help")


def test_the_command_of_a_plugin_gets_the_settings_of_its_provider(processes: Processes) -> None:
    install_plugin(
        processes.folder,
        "asks-for-settings",
        """
import click
from pydantic import Field
from rider_core.api import ProviderConfig, TextGenerator, hookimpl
RIDER_API = "1.0"
class Config(ProviderConfig):
    step: str = Field("waltz", description="what is danced")
class Dancer(TextGenerator):
    name = "dancer"
    Config = Config
    def generate_stream(self, request):
        yield "tango"
@hookimpl
def register_providers(register):
    register(Dancer)
@hookimpl
def register_commands(cli, provider_config):
    @cli.command()
    @click.argument("name")
    def dance(name):
        click.echo(provider_config(name).step)
""",
    )
    assert rider(processes, "dance", "dancer") == (0, "waltz\n")
    (processes.folder / "data").mkdir(exist_ok=True)
    (processes.folder / "data" / "rider.toml").write_text('[provider_settings.dancer]\nstep = "polka"\n')
    assert rider(processes, "dance", "dancer", log="polka") == (0, "polka\n")
    status, output = rider(processes, "dance", "unknown", log="unknown")
    assert (status, "there is no provider 'unknown'" in output) == (1, True)
