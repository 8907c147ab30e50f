"""The record of one plugin, also of one that failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import EntryPoint
from typing import Any


class PluginState(str, Enum):
    LOADED = "loaded"
    DISABLED = "disabled"
    INCOMPATIBLE = "incompatible"
    FAILED = "failed"


@dataclass
class PluginRecord:
    """One plugin.

    Attributes:
        name: Of its entry point.
        package: The distribution that brought it, and its version.
        state: Whether it is loaded, and if not, why.
        reason: Why it is not loaded, or a warning, as a sentence.
        traceback: Of the error, where there was one.
        providers: Names of the providers that it registered.
    """

    name: str
    package: str = ""
    version: str = ""
    state: PluginState = PluginState.LOADED
    reason: str = ""
    traceback: str = ""
    providers: list[str] = field(default_factory=list)

    @property
    def loaded(self) -> bool:
        return self.state is PluginState.LOADED


def package_of(entry_point: EntryPoint) -> tuple[str, str]:
    """Name and version of its package; "?" if the package's metadata is incomplete."""
    try:
        if entry_point.dist is None:
            return "", ""
        metadata: Any = entry_point.dist.metadata  # its type lacks `get`
        return metadata.get("Name", "?"), metadata.get("Version", "?")
    except Exception:  # damaged metadata may raise anything
        return "?", "?"
