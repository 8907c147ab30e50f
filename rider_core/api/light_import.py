"""Imports a library without what only its unused parts need."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Placeholder of a library: imports it at the first use of an attribute.

    While another library is imported it has every attribute, with the value 0: enough for constants in the defaults of
    functions.
    """

    is_wanted = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name) if self.is_wanted else 0


def import_without(module: str, *unneeded: str) -> ModuleType:
    """Import `module`, but not the libraries that only parts of it import which are not called here.

    Those are imported when such a part is called after all. One that is imported already is left alone.

    Raises:
        ImportError: the module cannot be imported.
        AttributeError, TypeError: it uses more of these libraries than their constants while it is imported.
    """
    absent = {name: _Later(name) for name in unneeded if name not in sys.modules}
    sys.modules.update(absent)
    try:
        return importlib.import_module(module)
    finally:
        for name, later in absent.items():
            del sys.modules[name]
            later.is_wanted = True
