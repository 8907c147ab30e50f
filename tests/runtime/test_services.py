"""The services of a process: the chosen provider with its settings, and clear errors without one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from rider_core.api import TextGenerator
from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.runtime.services import Services
from rider_core.testing.processes import install_plugin

SHOUT = """
from pydantic import Field
from rider_core.api import ProviderConfig, TextGenerator, hookimpl
RIDER_API = "1.0"
class ShoutConfig(ProviderConfig):
    marks: int = Field(1, description="exclamation marks")
    tempo: float = Field(1.0, description="words a second")
class Shout(TextGenerator):
    name = "shout"
    Config = ShoutConfig
    def generate_stream(self, request):
        yield request.prompt
@hookimpl
def register_providers(register):
    register(Shout)
"""


def settings(folder: Path, **more: object) -> Settings:
    others = tuple(point.name for point in entry_points(group="rider_core.plugins") if point.name != "shouting")
    return Settings(data_dir=folder, plugins_disabled=others, redis_url="unix:///nowhere", **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    install_plugin(tmp_path, "shouting", SHOUT)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    sys.modules.pop("shouting", None)


def test_saved_settings_go_over_those_of_the_file(folder: Path) -> None:
    services = Services.open(settings(folder, provider_settings={"shout": {"marks": 2, "tempo": 3.5}}), "test")
    services.database.upgrade()
    assert services.make_provider(TextGenerator).config.marks == 2
    services.database.save_settings("shout", {"marks": 7})
    config = services.make_provider(TextGenerator).config
    assert (config.marks, config.tempo) == (7, 3.5)
    services.close()


def test_settings_are_saved_one_after_another_and_checked_before(folder: Path) -> None:
    services = Services.open(settings(folder, provider_settings={"shout": {"marks": 2}}), "test")
    services.database.upgrade()
    services.save_provider_settings("shout", {"marks": 7})
    services.save_provider_settings("shout", {"tempo": 3.5})
    with pytest.raises(ConfigError, match="there is no marcs, did you mean marks") as refusal:
        services.save_provider_settings("shout", {"marcs": 8})
    assert refusal.value.remedy is not None
    assert "rider config set shout marcs=VALUE" in refusal.value.remedy
    with pytest.raises(ConfigError, match="there is no provider 'whisper'"):
        services.save_provider_settings("whisper", {"beam": 5})
    config = services.provider_config("shout")
    assert (config.marks, config.tempo) == (7, 3.5)
    services.close()


def test_without_a_database_the_settings_of_the_file_are_used(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    services = Services.open(settings(folder, provider_settings={"shout": {"marks": 2}}), "test")
    assert services.make_provider(TextGenerator).config.marks == 2
    assert not caplog.text, "before the first start nothing is saved"
    file = Path(services.settings.database_location.removeprefix("sqlite:///"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("no database")
    assert services.make_provider(TextGenerator).config.marks == 2
    assert "the saved settings of shout cannot be read" in caplog.text
    services.close()


def test_wrong_settings_name_where_they_are(folder: Path) -> None:
    services = Services.open(settings(folder, provider_settings={"shout": {"volume": 2}}), "test")
    services.database.upgrade()
    with pytest.raises(ConfigError, match=r"\[provider_settings.shout\]"):
        services.make_provider(TextGenerator)
    services.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("marcs = 2", r"there is no marcs, did you mean marks\?"),
        ("tempo = 'quick'", r"tempo: input should be a valid number, .*, got 'quick'"),
    ],
)
def test_wrong_settings_of_the_file_name_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: str, message: str
) -> None:
    """Another table has a setting of the same name above."""
    monkeypatch.setenv("RIDER_DATA_DIR", str(folder))
    (folder / "rider.toml").write_text(
        f"[provider_settings.other]\nmarcs = 1\ntempo = 1\n\n[provider_settings.shout]\n{content}\n"
    )
    services = Services.open(settings(folder), "test")
    with pytest.raises(ConfigError, match=message) as refusal:
        services.provider_config("shout")
    assert f"{folder / 'rider.toml'}, line 6" in (refusal.value.remedy or "")
    services.close()


def test_an_unknown_job_backend_lists_those_that_exist(folder: Path) -> None:
    with pytest.raises(ConfigError, match="TASK_QUEUE_BACKEND to one of rq"):
        Services.open(settings(folder, queue_backend="carrier-pigeon"), "test")
