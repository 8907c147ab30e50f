"""Loads the plugins that the settings allow."""

from __future__ import annotations

from rider_core.config import Settings
from rider_core.pluginhost import PluginHost


def load_plugins(settings: Settings) -> PluginHost:
    """Raises `PluginError` if a required plugin is not usable."""
    host = PluginHost(settings.plugins_disabled, settings.plugins_required, settings.safe_mode)
    host.load()
    return host
