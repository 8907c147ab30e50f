"""Which plugins were installed when `rider up` was started: its processes know no others."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path

from rider_core.api.hookspecs import ENTRY_POINT_GROUP
from rider_core.config import Settings
from rider_core.pluginhost.record import package_of
from rider_core.runtime.data_folder import overwrite_in_place
from rider_core.runtime.supervision import is_running


def record_plugins(settings: Settings) -> None:
    """`rider up` begins now."""
    overwrite_in_place(_file(settings), json.dumps(_installed()))


def changes_since_start(settings: Settings) -> str:
    """What to tell where plugins came or went since; empty where none did, or nothing runs."""
    with suppress(OSError, ValueError, RecursionError):
        known = json.loads(_file(settings).read_bytes())
        if not isinstance(known, dict) or not is_running(settings):
            return ""
        now = _installed()
        changed = [f"{name} came" for name in now.keys() - known.keys()]
        changed += [f"{name} went" for name in known.keys() - now.keys()]
        changed += [f"{name} is another version" for name in now.keys() & known.keys() if now[name] != known[name]]
        if changed:
            return f"since `rider up` was started, plugins have changed ({', '.join(sorted(changed))}): start it again"
    return ""


def _installed() -> dict[str, str]:
    """Name to package and version; nothing is imported."""
    found = entry_points(group=ENTRY_POINT_GROUP)
    return {point.name: " ".join(package_of(point)) for point in found}


def _file(settings: Settings) -> Path:
    return settings.data_dir / "run" / "plugins.json"
