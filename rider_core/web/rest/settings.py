"""Settings of the installation: their values, and where each of them comes from."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.config import Settings, config_file, origin_of, variable_of
from rider_core.config.shown import shown_value
from rider_core.runtime.services import Services
from rider_core.web.rest.blueprint import RestBlueprint

DEFAULT = "default"


class SettingView(Message):
    """A setting. Passwords and keys are shown as `***`."""

    name: str
    value: Any = Field(description="in effect in the panel's process")
    origin: str = Field(description=f"a variable, a file with its line, or `{DEFAULT}`")
    variable: str = Field(description="the environment variable that sets it")
    description: str


class InstallationView(Message):
    settings: tuple[SettingView, ...] = Field(description="in the order of the documentation")
    file: str = Field(description="path of the settings file, which need not exist")


def settings_blueprint(services: Services) -> RestBlueprint:
    """The route."""
    settings = RestBlueprint("settings", "How this installation is set up")

    @settings.operation("GET", "", Role.ADMIN, InstallationView)
    def list_settings() -> InstallationView:
        """Every setting with its value, and where the value comes from"""
        return InstallationView(
            settings=tuple(_view(services.settings, name) for name in Settings.model_fields), file=str(config_file())
        )

    return settings


def _view(settings: Settings, name: str) -> SettingView:
    return SettingView(
        name=name,
        value=shown_value(getattr(settings, name)),
        origin=origin_of(name),
        variable=variable_of(name),
        description=Settings.model_fields[name].description or "",
    )
