"""Saved system prompts."""

from __future__ import annotations

import pytest

from rider_core.api.text_generation import MAX_PROMPT_CHARACTERS
from rider_core.database import Database
from rider_core.database.database import MAX_PROMPTS
from rider_core.database.saved import saved_prompts
from rider_core.errors import InvalidInput, TooLarge


def test_written_read_and_forgotten(database: Database, url: str) -> None:
    database.save_prompt("brief", "pl", "Krótko.")
    database.save_prompt("brief", "en", "Briefly.")
    database.save_prompt("brief", "pl", "Bardzo krótko.")
    database.save_prompt("pirate", "en", "Arr.")
    assert saved_prompts(url) == {"brief": {"en": "Briefly.", "pl": "Bardzo krótko."}, "pirate": {"en": "Arr."}}
    assert saved_prompts(url, "brief") == {"brief": {"en": "Briefly.", "pl": "Bardzo krótko."}}
    assert saved_prompts(url, "unknown") == {}
    assert database.delete_prompt("brief", "en") == 1
    assert database.delete_prompt("pirate") == 1
    assert database.delete_prompt("pirate") == 0
    assert saved_prompts(url) == {"brief": {"pl": "Bardzo krótko."}}


@pytest.mark.parametrize(
    ("name", "language", "text", "message"),
    [
        ("Brief!", "pl", "x", "no name for a system prompt"),
        ("../x", "pl", "x", "no name for a system prompt"),
        ("brief", "polski", "x", "'polski' is no language"),
        ("brief", "pl", " \n", "is empty"),
        ("brief", "pl", "x" * (MAX_PROMPT_CHARACTERS + 1), "the limit is 32000"),
    ],
)
def test_an_invalid_prompt_is_refused(
    database: Database, url: str, name: str, language: str, text: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        database.save_prompt(name, language, text)
    assert saved_prompts(url) == {}


def test_their_number_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PROMPTS < 10_000
    monkeypatch.setattr("rider_core.database.database.MAX_PROMPTS", 2)
    database.save_prompt("one", "en", "x")
    database.save_prompt("two", "en", "x")
    with pytest.raises(TooLarge, match="2 system prompts"):
        database.save_prompt("three", "en", "x")
    database.save_prompt("two", "en", "another text")
