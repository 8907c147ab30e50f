"""Imports a library without what only its unused parts need."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


class _StandIn(ModuleType):
    """Has every attribute, with the value 0: enough for constants in the defaults of functions that nobody calls."""

    def __getattr__(self, name: str) -> int:
        if name.startswith("__"):
            raise AttributeError(name)
        return 0


def import_without(module: str, *unneeded: str) -> ModuleType:
    """Import `module`, with empty stand-ins for libraries that parts of it import which are not called here.

    Other code in this process still gets the real ones. One that is imported already is left alone.
    """
    absent = [name for name in unneeded if name not in sys.modules]
    sys.modules.update((name, _StandIn(name)) for name in absent)
    try:
        return importlib.import_module(module)
    finally:
        for name in absent:
            del sys.modules[name]
