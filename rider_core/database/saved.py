"""Reads the saved settings and choices of providers, the saved system prompts, and the size. `Database` writes."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any, NamedTuple

from rider_core.database.reading import rows, sqlite_path

#: Of `tables.ProviderSettings`, `ProviderChoiceRow` and `SystemPrompt`; tests compare them.
_SETTINGS = "SELECT provider, settings FROM provider_settings ORDER BY provider"
_CHOICES = "SELECT provider, enabled, place FROM provider_choices ORDER BY provider"
_SIZE = "SELECT pg_database_size(current_database())"
_PROMPTS = "SELECT name, language, text FROM system_prompts ORDER BY name, language"
_PROMPTS_OF = "SELECT name, language, text FROM system_prompts WHERE name = {mark} ORDER BY language"


def saved_settings(url: str) -> dict[str, dict[str, Any]]:
    """The saved settings, by provider.

    Args:
        url: As `Database` takes it.

    Raises:
        DatabaseError: the database cannot be read, or is not migrated.
    """
    found = rows(url, _SETTINGS)
    return {str(name): dict(json.loads(it) if isinstance(it, str) else it) for name, it in found}


class ProviderChoice(NamedTuple):
    """What people have chosen of one provider.

    Attributes:
        enabled: False: it is used for nothing.
        place: The lowest comes first in its domain; None: after those that have one.
    """

    enabled: bool = True
    place: int | None = None


def saved_choices(url: str) -> dict[str, ProviderChoice]:
    """What was chosen, by provider; providers without a choice are missing.

    Raises:
        DatabaseError: the database cannot be read, or is not migrated.
    """
    return {str(name): ProviderChoice(bool(enabled), place) for name, enabled, place in rows(url, _CHOICES)}


def saved_prompts(url: str, name: str | None = None) -> dict[str, dict[str, str]]:
    """The saved system prompts: name to language to text; those of one name, or all.

    Raises:
        DatabaseError: the database cannot be read, or is not migrated.
    """
    found: dict[str, dict[str, str]] = {}
    for prompt, language, text in rows(url, _PROMPTS) if name is None else rows(url, _PROMPTS_OF, name):
        found.setdefault(str(prompt), {})[str(language)] = str(text)
    return found


def size_bytes(url: str) -> int:
    """Size of the database's files; 0: there is none yet.

    Raises:
        DatabaseError: the database cannot be asked.
    """
    if not url.startswith("sqlite"):
        return int(rows(url, _SIZE)[0][0])
    file = sqlite_path(url)
    size = 0
    for name in (file, f"{file}-wal"):
        with suppress(OSError):
            size += os.stat(name).st_size
    return size
