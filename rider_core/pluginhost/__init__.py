"""Finds plugins, loads each one separately, and keeps a record of each, also of those that failed."""

from rider_core.pluginhost.host import PluginHost
from rider_core.pluginhost.record import PluginRecord, PluginState
from rider_core.pluginhost.registry import PluginRegistry

__all__ = ["PluginHost", "PluginRecord", "PluginRegistry", "PluginState"]
