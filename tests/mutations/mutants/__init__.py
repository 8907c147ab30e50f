"""Each defence of the product, taken out: `make mutations` applies one mutant after the other and wants its test red.

A new defence gets its mutant here, in the module of the part where it stands.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

_MODULES = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "mutant")
MUTANTS: list[Mutant] = [mutant for name in _MODULES for mutant in import_module(f"mutants.{name}").MUTANTS]
