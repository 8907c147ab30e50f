"""Describes the installed plugins for the page and for programs."""

from __future__ import annotations

from typing import Any

import click

from rider_core.api.provider import ProviderConfig
from rider_core.errors import ConfigError
from rider_core.pluginhost import PluginHost
from rider_core.runtime.services import Services

MAX_REASON = 300
#: Kinds and names that are shown of one plugin.
MAX_REGISTERED = 200
#: These hooks show in what they register.
_REGISTERING = "register_"


def describe_plugins(services: Services) -> list[dict[str, Any]]:
    """Every plugin with its providers, plugins that failed included."""
    classes = services.plugins.registry.providers
    return [
        {
            "name": record.name,
            "package": record.package,
            "version": record.version,
            "state": record.state.value,
            "reason": record.reason[:MAX_REASON],
            "providers": [
                {"name": name, "domain": classes[name].domain, "mock": classes[name].mock}
                for name in record.providers
                if name in classes
            ],
        }
        for record in services.plugins.records()
    ]


class PluginContents:
    """What each plugin of this process registers. Their commands are asked for once."""

    def __init__(self, host: PluginHost) -> None:
        self._host = host
        self._commands: dict[str, list[str]] = {}

    def of(self, plugin: str) -> list[tuple[str, str]]:
        """Kind ("provider", "model", "route", "command", "hook", ...) and name; empty where it is not loaded."""
        hooks = self._host.hooks_of(plugin)
        found = self._host.registry.registered_by(plugin)
        found += [("command", name) for name in self._commands_of(plugin, hooks)]
        found += [("hook", hook) for hook in hooks if not hook.startswith(_REGISTERING)]
        return found[:MAX_REGISTERED]

    def _commands_of(self, plugin: str, hooks: list[str]) -> list[str]:
        if "register_commands" not in hooks:
            return []
        if plugin not in self._commands:
            group = click.Group()
            self._host.notify_one(plugin, "register_commands", cli=group, provider_config=_no_settings)
            self._commands[plugin] = sorted(map(str, group.commands))
        return self._commands[plugin]


def _no_settings(name: str) -> ProviderConfig:
    raise ConfigError(f"the settings of {name} are read when the command runs, not when it is registered")
