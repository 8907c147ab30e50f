"""`rider support`: the bundle has what helps, and none of the secrets that are planted in every place."""

from __future__ import annotations

import os
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from rider_core.config import Settings
from rider_core.database import Database
from rider_core.runtime.log_stream import logs_key
from rider_core.runtime.redaction import Redactor
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey

#: By where they are planted. None may be in the bundle.
SECRETS = {
    "a setting in the environment": "hunter2-of-the-panel",
    "another variable": "sk-live-51Habcdefgh",
    "variable address": "pa55-in-address",
    "the settings file": "file-api-key-77",
    "a saved setting": "saved-api-key-88",
    "plugin error": "plugin-pass-99",
    "log address": "log-address-pw",
    "log assignment": "correct horse battery",
    "log header": "dG9wc2VjcmV0",
    "log token": "rider_ab12cd34_Zm9vYmFyYmF6cXV4",
    "log cookie": "eyJhbGciOiJIUzI1NiJ9.eyJ1IjoiYSJ9.c2ln",
    "a traceback in the log": "in-the-traceback-1",
    "a transcript": "my diagnosis is private",
}
LINES = (
    f"cannot reach amqp://rider:{SECRETS['log address']}@queue/ now",
    f"the client sent password = {SECRETS['log assignment']}",
    f"refused Authorization: Bearer {SECRETS['log header']}",
    f"unknown {SECRETS['log token']} came in",
    f"a session {SECRETS['log cookie']} has ended",
    f"somebody typed {SECRETS['a setting in the environment']} as a name",
    f'job 7 (text.generate): prompt: it is too long, got "{SECRETS["a transcript"]}"',
    f"Traceback:\n  api_key='{SECRETS['a traceback in the log']}'\nValueError: no",
)
PLUGIN = """
from pydantic import Field
from rider_core.api import ProviderConfig, TextGenerator, hookimpl
RIDER_API = "1.0"
class Config(ProviderConfig):
    steps: int = Field(3, description="of the dance")
    api_key: str = Field("", description="of the school")
    account: str = Field("", description="hidden by its type alone", json_schema_extra={"format": "password"})
class Dancer(TextGenerator):
    name = "dancer"
    Config = Config
    def generate_stream(self, request):
        yield "tango"
@hookimpl
def register_providers(register):
    register(Dancer)
"""


@pytest.fixture
def bundle(processes: Processes, valkey: Valkey, connection: Redis) -> dict[str, str]:
    """The bundle's files of an installation full of secrets."""
    environment = processes.environment
    install_plugin(processes.folder, "dancer", PLUGIN)
    plugin_secret = SECRETS["plugin error"]
    install_plugin(processes.folder, "broken", f"raise RuntimeError('password={plugin_secret}')")
    file = processes.folder / "rider.toml"
    file.write_text(f'[provider_settings.dancer]\nsteps = 4\napi_key = "{SECRETS["the settings file"]}"\n')
    database = processes.folder / "rider.db"
    environment.update(
        RIDER_CONFIG=str(file),
        REDIS_URL=valkey.url,
        DATABASE_URL=f"sqlite:///{database}",
        RIDER_WEB_PASSWORD=SECRETS["a setting in the environment"],
        OPENAI_API_KEY=SECRETS["another variable"],
        HTTP_PROXY=f"http://me:{SECRETS['variable address']}@proxy:3128",
        HOME="/home/zuzanna-q",
        USER="zuzanna-q",
        LOGNAME="zuzanna-q",
    )
    with closing(Database(f"sqlite:///{database}")) as opened:
        opened.upgrade()
        opened.save_settings("dancer", {"api_key": SECRETS["a saved setting"], "account": "a-saved-account-5"})
        opened.save_prompt("robot", "en", SECRETS["a transcript"])
    lines = (*LINES, f"the proxy {SECRETS['variable address']} and /home/zuzanna-q/models of zuzanna-q are fine")
    for line in lines:
        fields: dict = {"ts": "1", "level": "info", "process": "link", "logger": "test", "message": line}
        connection.xadd(logs_key(), fields)
    target = processes.folder / "bundle.zip"
    status = processes.fork("rider_core.cli.main", "support", "--output", str(target)).wait(120)
    assert status == 0, processes.log()
    assert target.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(target) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_no_planted_secret_is_in_the_bundle(bundle: dict[str, str]) -> None:
    whole = "\n".join(bundle.values())
    for place, secret in {**SECRETS, "a setting of a secret type": "a-saved-account-5"}.items():
        assert secret not in whole, place
    assert "zuzanna" not in whole


def test_the_bundle_has_what_helps(bundle: dict[str, str]) -> None:
    assert {"about.json", "doctor.json", "plugins.json", "settings.json", "queues.json", "robot.json"} < bundle.keys()
    logs = bundle["logs.txt"]
    assert "cannot reach amqp://rider:***@queue/ now" in logs
    assert "ValueError: no" in logs
    assert "the proxy *** and ~/models of USER are fine" in logs
    assert '"steps": 4' in bundle["providers.json"]
    assert '"api_key": "***"' in bundle["providers.json"]
    assert "RuntimeError" in bundle["plugins.json"]
    assert '"check": "Redis"' in bundle["doctor.json"]
    assert "not running" in bundle["robot.json"]
    assert '"waiting": 0' in bundle["queues.json"]


def test_an_existing_file_is_left_alone(processes: Processes, tmp_path: Path) -> None:
    target = tmp_path / "mine.txt"
    target.write_text("mine")
    assert processes.fork("rider_core.cli.main", "support", "--output", str(target)).wait(120) == 2
    assert target.read_text() == "mine"
    assert "name another with --output" in processes.log()


def test_ordinary_words_are_left_alone(tmp_path: Path) -> None:
    redactor = Redactor(Settings(data_dir=tmp_path), {"SHORT_KEY": "ab", "PATH": os.defpath})
    for text in ("abacus", "context_tokens: 2048", "the token is 5 s old", "KeyError: 'steps'", "Basic setup is done"):
        assert redactor.text(text) == text
