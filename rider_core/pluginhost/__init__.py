"""Finds plugins, loads each in its own try, and keeps a record of every one, the broken ones too."""

from rider_core.pluginhost.host import PluginHost
from rider_core.pluginhost.record import PluginRecord, PluginState
from rider_core.pluginhost.registry import PluginRegistry

__all__ = ["PluginHost", "PluginRecord", "PluginRegistry", "PluginState"]
