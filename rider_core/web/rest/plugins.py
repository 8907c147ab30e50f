"""Plugins: what is installed, and why some of it does not work."""

from __future__ import annotations

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.runtime.services import Services
from rider_core.web.plugins import describe_plugins
from rider_core.web.rest.blueprint import RestBlueprint


class ProvidedEngine(Message):
    name: str
    domain: str
    mock: bool = Field(description="it is a mock: its results are made up")


class PluginView(Message):
    """A plugin that is installed."""

    name: str
    package: str = Field(description="the Python distribution that it comes from")
    version: str
    state: str = Field(description="loaded, disabled, incompatible or failed")
    reason: str = Field(description="why it is not loaded")
    providers: tuple[ProvidedEngine, ...]


class PluginsView(Message):
    plugins: tuple[PluginView, ...]


def plugins_blueprint(services: Services) -> RestBlueprint:
    """The routes."""
    plugins = RestBlueprint("plugins", "Packages that bring engines, pages and commands")

    @plugins.operation("GET", "", Role.READ, PluginsView)
    def list_plugins() -> PluginsView:
        """Every plugin, those that failed included"""
        return PluginsView.model_validate({"plugins": describe_plugins(services)})

    return plugins
