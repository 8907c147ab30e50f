"""Mutants, each of which removes one safeguard. `make mutations` applies them one by one and expects a test to fail.

A new safeguard gets its mutant in the module of its part.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

_MODULES = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "mutant")
MUTANTS: list[Mutant] = [mutant for name in _MODULES for mutant in import_module(f"mutants.{name}").MUTANTS]
