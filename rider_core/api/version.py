"""The version of the plugin API, and the compatibility rule.

A plugin states `RIDER_API = "1.0"` in its module. It is compatible where the major number is equal and the minor number
is not higher than ours: minor versions only add.
"""

from __future__ import annotations

from rider_core.errors import PluginIncompatible

API_VERSION = "1.0"


def check_api_version(wanted: object) -> None:
    """Raise `PluginIncompatible` unless a plugin written for API `wanted` works with ours."""
    major, minor = _parse(wanted)
    our_major, our_minor = _parse(API_VERSION)
    if major == our_major and minor <= our_minor:
        return
    raise PluginIncompatible(
        f"it was made for plugin API {wanted}, this is {API_VERSION}",
        remedy="install a version of the plugin that fits, or update rider-core",
    )


def _parse(version: object) -> tuple[int, int]:
    if version is None:
        raise PluginIncompatible(
            "its module does not state its plugin API",
            remedy=f'add RIDER_API = "{API_VERSION}" to the module',
        )
    parts = str(version).split(".")
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 6 for part in parts):
        raise PluginIncompatible(f"its RIDER_API is {version!r}", remedy=f'write it as RIDER_API = "{API_VERSION}"')
    return int(parts[0]), int(parts[1])
