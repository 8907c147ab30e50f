"""System prompts that people wrote."""

from __future__ import annotations

import pytest

from rider_core.api.text_generation import MAX_PROMPT_CHARACTERS
from rider_core.errors import InvalidInput, TooLarge
from rider_core.store import Store
from rider_core.store.saved import saved_prompts
from rider_core.store.store import MAX_PROMPTS


def test_written_read_and_forgotten(store: Store, url: str) -> None:
    store.save_prompt("brief", "pl", "Krótko.")
    store.save_prompt("brief", "en", "Briefly.")
    store.save_prompt("brief", "pl", "Bardzo krótko.")
    store.save_prompt("pirate", "en", "Arr.")
    assert store.prompts() == {"brief": {"en": "Briefly.", "pl": "Bardzo krótko."}, "pirate": {"en": "Arr."}}
    assert store.prompts("brief") == {"brief": {"en": "Briefly.", "pl": "Bardzo krótko."}}
    assert saved_prompts(url, "brief") == store.prompts("brief")["brief"]
    assert saved_prompts(url, "nobody") == {}
    assert store.delete_prompt("brief", "en") == 1
    assert store.delete_prompt("pirate") == 1
    assert store.delete_prompt("pirate") == 0
    assert store.prompts() == {"brief": {"pl": "Bardzo krótko."}}


@pytest.mark.parametrize(
    ("name", "language", "text", "said"),
    [
        ("Brief!", "pl", "x", "no name for a system prompt"),
        ("../x", "pl", "x", "no name for a system prompt"),
        ("brief", "polski", "x", "'polski' is no language"),
        ("brief", "pl", " \n", "is empty"),
        ("brief", "pl", "x" * (MAX_PROMPT_CHARACTERS + 1), "the limit is 32000"),
    ],
)
def test_what_is_no_prompt_is_refused(store: Store, name: str, language: str, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        store.save_prompt(name, language, text)
    assert store.prompts() == {}


def test_their_number_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PROMPTS < 10_000
    monkeypatch.setattr("rider_core.store.store.MAX_PROMPTS", 2)
    store.save_prompt("one", "en", "x")
    store.save_prompt("two", "en", "x")
    with pytest.raises(TooLarge, match="2 system prompts"):
        store.save_prompt("three", "en", "x")
    store.save_prompt("two", "en", "another text")
