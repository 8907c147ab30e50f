"""Detects plugins that were installed, updated or removed since `rider up` started: its processes run the old ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from rider_core.api.hookspecs import ENTRY_POINT_GROUP
from rider_core.config import Settings
from rider_core.pluginhost.record import package_of
from rider_core.runtime.data_folder import overwrite_in_place
from rider_core.runtime.supervision import is_running

_PHRASES = {"added": "was added", "removed": "was removed", "updated": "has another version"}


class PluginDifference(NamedTuple):
    """
    Attributes:
        kind: "added", "removed" or "updated".
    """

    plugin: str
    kind: str


def record_plugins(settings: Settings) -> None:
    """Record the installed plugins. Called when `rider up` starts."""
    overwrite_in_place(_file(settings), json.dumps(_installed()))


def changes_since_start(settings: Settings) -> str:
    """A sentence that names the changes; empty if there are none, or `rider up` is not running."""
    with suppress(OSError, ValueError, RecursionError):
        known = json.loads(_file(settings).read_bytes())
        if not isinstance(known, dict) or not is_running(settings):
            return ""
        changed = [f"{change.plugin} {_PHRASES[change.kind]}" for change in changes_from(known)]
        if changed:
            return f"since `rider up` was started, plugins have changed ({', '.join(changed)}): start it again"
    return ""


def changes_from(known: Mapping[str, object]) -> list[PluginDifference]:
    """How the installed plugins differ from those that a process has loaded, sorted.

    Args:
        known: Plugin to its package and version, with a space between them.
    """
    now = _installed()
    found = [PluginDifference(name, "added") for name in now.keys() - known.keys()]
    found += [PluginDifference(name, "removed") for name in known.keys() - now.keys()]
    found += [PluginDifference(name, "updated") for name in now.keys() & known.keys() if now[name] != known[name]]
    return sorted(found)


def _installed() -> dict[str, str]:
    """Name to package and version. No plugin is imported."""
    found = entry_points(group=ENTRY_POINT_GROUP)
    return {point.name: " ".join(package_of(point)) for point in found}


def _file(settings: Settings) -> Path:
    return settings.data_dir / "run" / "plugins.json"
