"""The database: saved provider settings, saved system prompts, and the history of jobs. Current jobs are in Redis.

`Database` writes, and reads the history. It is imported lazily: SQLAlchemy and Alembic are half of a small process's
memory, and workers only read saved settings and prompts (`saved`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rider_core.database.database import Database

__all__ = ["Database"]


def __getattr__(name: str) -> Any:
    if name == "Database":
        return import_module("rider_core.database.database").Database
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
