"""The database: provider settings and the history of jobs. Not in the hot path; what runs now is in the job backend.

`Database` is loaded when it is asked for: SQLAlchemy and Alembic are half of a small process's memory, and workers only
read what was saved for their engines (`saved_settings`).
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
